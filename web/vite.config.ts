import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const server = process.env.NOISEWRIGHT ?? "http://127.0.0.1:8188";

export default defineConfig({
  base: "./", // the server may stand below any path
  plugins: [react()],
  build: {
    outDir: "../server/editor",
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0, // the content policy lets nothing inline run
    chunkSizeWarningLimit: 1200,
    rolldownOptions: {
      output: {
        // What every page needs, in one file: left to itself it would be dozens, which pack and load worse.
        codeSplitting: { groups: [{ name: "core", test: /src[\\/](graph|state|api)[\\/]/ }] },
      },
    },
  },
  server: {
    proxy: { "/v1": { target: server, ws: true, changeOrigin: true, headers: { origin: server } } },
  },
});
