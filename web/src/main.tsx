import { createRoot } from "react-dom/client";
import { App } from "./App";
import { followTheme } from "./state/preferences";
import "./styles/tokens.css";
import "./styles/base.css";

followTheme();
const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
