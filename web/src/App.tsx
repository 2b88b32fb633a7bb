/** The application: one of its pages, by the address. */
import { CSPProvider } from "@base-ui/react/csp-provider";
import { lazy, Suspense } from "react";
import { nonce } from "./api/client";
import { useRoute } from "./route";
import { t } from "./strings/t";
import { Boundary } from "./ui/Boundary";
import { Toasts } from "./ui/Toasts";
import { TooltipProvider } from "./ui/Tooltip";

const EditorPage = lazy(() => import("./pages/EditorPage"));
const FormPage = lazy(() => import("./pages/FormPage"));
const StartPage = lazy(() => import("./pages/StartPage"));

export function App() {
  const route = useRoute();
  return (
    <CSPProvider {...(nonce ? { nonce } : {})}>
      <TooltipProvider delay={250}>
        <Boundary>
          <Suspense fallback={<p className="visually-hidden">{t("app.loading")}</p>}>
            {route.page === "editor" ? <EditorPage open={route.open ?? null} /> : null}
            {route.page === "form" ? <FormPage key={route.name} name={route.name} /> : null}
            {route.page === "start" ? <StartPage /> : null}
          </Suspense>
        </Boundary>
        <Toasts />
      </TooltipProvider>
    </CSPProvider>
  );
}
