"""The images of the ImageNet challenge (ILSVRC 2012) as people have them: archives or folders."""
