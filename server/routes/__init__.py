"""The native interface `/v1/…`: one module of routes for each subject. `server.native` has them all."""
