import torchvision_of_nobody.transforms as T

NODE_CLASS_MAPPINGS = {}
