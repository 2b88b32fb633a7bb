// Apart from vite.config.ts, because an install builds the editor without the tools that test it.
import { defineConfig, mergeConfig } from "vitest/config";
import vite from "./vite.config.ts";

export default mergeConfig(
  vite,
  defineConfig({
    server: { fs: { allow: [".."] } }, // vectors that the engine's tests share lie beside this folder
    test: {
      environment: "happy-dom",
      include: ["tests/**/*.test.{ts,tsx}"],
    },
  }),
);
