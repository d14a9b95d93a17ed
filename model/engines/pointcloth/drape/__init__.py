"""The draping network: from points of a body and an outfit's code to points of clothing."""
