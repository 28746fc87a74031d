"""Other libraries' module paths, so that programs written for them run after one search and replace.

    import agentscope                 ->  import nbagents.compat.agentscope
    from agentscope.agents import …   ->  from nbagents.compat.agentscope.agents import …

Nothing is made here: a mirror only says where the same name lives in nbagents.
"""
