export async function startDocuments(_open: string | null): Promise<void> {}
