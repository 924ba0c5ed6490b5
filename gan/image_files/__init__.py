"""Images as files: pictures, archives, folders, animations."""
