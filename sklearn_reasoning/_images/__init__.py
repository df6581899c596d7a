"""Images: the containers of users, and the files they come in."""
