import { createRoot } from "react-dom/client";
import { App } from "./App";
import { welcomeNewcomer } from "./pages/newcomer";
import { followTheme } from "./state/preferences";
import "./styles/tokens.css";
import "./styles/base.css";

followTheme();
await welcomeNewcomer();
const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
