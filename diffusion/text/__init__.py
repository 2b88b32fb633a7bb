"""Prompts as conditionings: weights in brackets, chunks of 75 tokens, textual inversion, CLIP skip.

Splitting a prompt (`prompt`, `tokens`) loads no torch; encoding it does (`encoding`).
"""
