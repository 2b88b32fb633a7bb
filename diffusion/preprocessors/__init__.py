"""Preprocessors: what a control network looks at, made from a picture by formulas alone. Importing it loads nothing."""
