import folder_paths


class Things:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"thing": (folder_paths.get_filename_list("old_things"),), "more": (folder_paths.get_filename_list("more_things"),)}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "go"

    def go(self, thing, more):
        from helper_of_old_paths import double
        return (double(folder_paths.get_full_path("old_things", thing) + "|"),)


NODE_CLASS_MAPPINGS = {"Things": Things}
