def merge_mappings(into, more):
    for key, value in more.items():
        into[key] = value
