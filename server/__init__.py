"""The server: a durable queue of runs, workers that make them, and two faces on one core: `/v1` and ComfyUI's.

One light process. It loads no weights, no node types, no packs: it knows them as data.
"""
