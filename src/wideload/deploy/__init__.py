"""From artifacts and what is there now to frozen instructions, shown or carried out.

`deployment.deploy` is the whole way; `operate` holds what is done to a function once it is
deployed. Only here is AWS's SDK used, and only in the modules whose names begin with `aws`.
"""
