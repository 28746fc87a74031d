"""What AgentScope calls its things, and where they live in nbagents. Data; nothing is imported here.

``MODULES`` has, for each of AgentScope's modules, our modules and the names that they give it; ``A=B`` is
our ``B`` under the name ``A``. ``ALSO`` has AgentScope's inner modules, which offer what the outer one does.
``MISSING`` says what to do instead of a name that there is not, and ``GONE`` the same of whole modules.
"""

from __future__ import annotations

__all__ = ["ALSO", "GONE", "MISSING", "MODULES"]

MODULES: dict[str, dict[str, str]] = {
    "": {
        "hub": "msghub",
        "setup": "init print_llm_usage",
    },
    # ---- 0.x
    "agents": {
        "agents": "AgentBase DialogAgent DictDialogAgent ReActAgent TextToImageAgent UserAgent",
        "rpc": "DistConf RpcAgent RpcAgentServerLauncher",
    },
    "exception": {
        "exceptions": """
            AgentCallError AgentCreationError AgentServerError AgentServerNotAliveError
            QuotaExceededError=BudgetExceededError
            ArgumentNotFoundError ArgumentTypeError FunctionCallError FunctionCallFormatError
            FunctionNotFoundError
            JsonDictValidationError JsonParsingError JsonTypeError RequiredFieldNotFoundError
            ResponseParsingError TagNotFoundError
        """,
    },
    "models": {
        "models": """
            ModelResponse ModelWrapperBase OpenAIChatWrapper
            OpenAIDALLEWrapper OpenAIEmbeddingWrapper OpenAIWrapperBase
            PostAPIChatWrapper PostAPIDALLEWrapper PostAPIEmbeddingWrapper PostAPIModelWrapperBase
            clear_model_configs load_model_by_config_name read_model_configs
        """,
    },
    "msghub": {"hub": "MsgHubManager msghub"},
    "parsers": {
        "parsers": """
            MarkdownCodeBlockParser MarkdownJsonDictParser MarkdownJsonObjectParser
            MultiTaggedContentParser ParserBase RegexTaggedContentParser TaggedContent
        """,
    },
    "pipelines": {
        "pipelines": """
            ForLoopPipeline IfElsePipeline PipelineBase=Pipeline SequentialPipeline SwitchPipeline
            WhileLoopPipeline forlooppipeline ifelsepipeline placeholder sequential_pipeline
            sequentialpipeline switchpipeline whilelooppipeline
        """,
    },
    "rpc": {"rpc": "DistConf RpcAgentClient RpcAgentServicer"},
    "server": {"cli": "as_server", "rpc": "AgentServerServicer RpcAgentServerLauncher"},
    "service": {
        "tools": """
            NoteBookExecutor=KernelExecutor
            ServiceExecStatus ServiceFactory ServiceResponse ServiceToolkit
            arxiv_search bing_search cos_sim create_directory create_file dblp_search
            dblp_search_authors dblp_search_publications dblp_search_venues delete_directory
            delete_file digest_webpage download_from_url execute_python_code
            execute_shell_command get_current_directory google_search list_directory_content
            load_web move_directory move_file parse_html_to_text query_mysql query_sqlite
            read_json_file read_text_file retrieve_from_list summarization wikipedia_search
            wikipedia_search_categories write_json_file write_text_file
        """,
    },
    # ---- 1.x
    "agent": {"agents": "AgentBase ReActAgent UserAgent"},
    "formatter": {
        "models": """
            DashScopeChatFormatter DashScopeMultiAgentFormatter FormatterBase OpenAIChatFormatter
            OpenAIMultiAgentFormatter
        """,
    },
    "model": {
        "models": "ChatModelBase ChatResponse=ModelResponse DashScopeChatModel OpenAIChatModel",
    },
    "mcp": {"tools.mcp": "HttpStatefulClient HttpStatelessClient StdIOStatefulClient"},
    "pipeline": {
        "hub": "MsgHub",
        "pipelines": """
            FanoutPipeline SequentialPipeline fanout_pipeline sequential_pipeline stream_printing_messages
        """,
    },
    "tool": {
        "tools": """
            ToolResponse Toolkit execute_python_code execute_shell_command insert_text_file view_text_file
            write_text_file
        """,
    },
    # ---- both
    "memory": {
        "memory": "InMemoryMemory LongTermMemory LongTermMemoryBase=LongTermMemory MemoryBase TemporaryMemory"
    },
    "message": {
        "message": """
            AudioBlock Base64Source ContentBlock FileBlock ImageBlock MessageBase=Msg Msg
            PlaceholderMessage TextBlock ThinkingBlock ToolResultBlock ToolUseBlock URLSource VideoBlock
        """,
    },
}

ALSO: dict[str, str] = {
    "agents": """
        agent dialog_agent dict_dialog_agent operator react_agent rpc_agent text_to_image_agent user_agent
    """,
    "memory": "memory temporary_memory",
    "message": "block msg placeholder",
    "models": "config model openai_model post_model response",
    "parsers": "code_block_parser json_object_parser parser_base tagged_content_parser",
    "pipelines": "functional pipeline",
    "rpc": "rpc_agent_client rpc_config",
    "server": "launcher servicer",
    "service": "service_response service_status service_toolkit",
}

_CARD = "in a notebook the run's card shows what is said, and %agents lists who lives where"
_COST = "%agents cost shows tokens and cost, and --budget in a cell sets a limit"

GONE: dict[str, str] = {
    "embedding": "an embedding model is a model configuration, openai_embedding say",
    "evaluate": "evaluation is not part of nbagents",
    "hooks": "there is no web studio; " + _CARD,
    "logging": "logging.getLogger('nbagents') is the logger, and msg.formatted_str() is what to print; "
    + _CARD,
    "manager": "nbagents.init(model_configs=...) loads configurations; " + _COST,
    "plan": "an agent that plans is one that you write",
    "rag": "nbagents.tools.KnowledgeIndex indexes files and texts, and is a tool of an agent",
    "serialize": "json.dumps(msg.to_dict()), and Msg.from_dict(json.loads(text))",
    "session": "nbagents.services keeps states and sessions; agents in servers remember by themselves",
    "studio": "there is no web studio; " + _CARD,
    "token": "response.usage has the tokens of a model's answer",
    "tracing": "%agents timeline shows who worked when, and nbagents.events tells it as it happens",
    "utils": _COST,
    "web": "there is no web studio; " + _CARD,
}

MISSING: dict[str, str] = {
    "AsyncResult": "a call returns a PlaceholderMessage, which has result(), done() and cancel()",
    "ChatRoom": "realtime voice is not part of nbagents",
    "LlamaIndexAgent": "give a ReActAgent a KnowledgeIndex, from nbagents.tools, as a tool",
    "Operator": "anything that can be called is an operator; no base class is needed",
    "ReActAgentBase": "subclass ReActAgent, or AgentBase",
    "Tht": "a thought is a Msg that is added to the memory and not returned",
    "async_func": "every call of an agent returns at once; no decorator is needed",
    "call_in_thread": "a call returns at once; read the message where you need it",
    "logger": GONE["logging"],
    "query_mongodb": "write a function that asks MongoDB by pymongo, and register it as a tool",
    "setup_logger": GONE["logging"],
    "sync_func": "read the message that a call returns, and you wait for it",
}
