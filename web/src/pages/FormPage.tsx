export default function FormPage(_: { readonly name: string }) {
  return null;
}
