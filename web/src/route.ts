/** Which page an address means. The server gives the same document for all of them. */
import { createStore, useStore } from "zustand";
import { base } from "./api/client";

/** editor: the graph, with a saved workflow to be opened. form: a workflow as a form. */
export type Route =
  | { readonly page: "editor"; readonly open?: string }
  | { readonly page: "form"; readonly name: string }
  | { readonly page: "start" };

/** Names of forms that begin with this are ids of documents in a tab: unsaved ones have no name. */
export const TAB = "@";

function routeOf(path: string): Route {
  const inner = path.slice(base.length).replace(/^\/+|\/+$/g, "");
  const [first = "", ...rest] = inner.split("/").map(decodeURIComponent);
  if (first === "start") return { page: "start" };
  if (first === "form" && rest.length) return { page: "form", name: rest.join("/") };
  return first === "edit" && rest.length
    ? { page: "editor", open: rest.join("/") }
    : { page: "editor" };
}

export function pathOfRoute(route: Route): string {
  const part = (name: string): string => name.split("/").map(encodeURIComponent).join("/");
  if (route.page === "start") return `${base}/start`;
  if (route.page === "form") return `${base}/form/${part(route.name)}`;
  return route.open ? `${base}/edit/${part(route.open)}` : `${base}/`;
}

const routeStore = createStore<{ readonly route: Route }>(() => ({
  route: routeOf(location.pathname),
}));

window.addEventListener("popstate", () =>
  routeStore.setState({ route: routeOf(location.pathname) }),
);

export const useRoute = (): Route => useStore(routeStore, (state) => state.route);

/** Whether the address names no page. */
export const isHome = (): boolean =>
  location.pathname.slice(base.length).replaceAll("/", "") === "";

/** Go to another page of the application. */
export function goTo(route: Route): void {
  history.pushState(null, "", pathOfRoute(route));
  routeStore.setState({ route });
}
