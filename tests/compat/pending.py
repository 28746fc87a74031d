"""What is being made: the names and programs that need it go from here when it is there."""

from __future__ import annotations

_BLOCKS = """
    AudioBlock Base64Source ContentBlock FileBlock ImageBlock TextBlock ThinkingBlock ToolResultBlock
    ToolUseBlock URLSource VideoBlock
"""
_TOOLS = """
    ReActAgent ServiceExecStatus ServiceFactory ServiceResponse ServiceToolkit ToolResponse Toolkit
    ArgumentNotFoundError ArgumentTypeError FunctionCallError FunctionCallFormatError FunctionNotFoundError
"""
_SERVICES = """
    bing_search cos_sim create_directory create_file delete_directory delete_file execute_python_code
    execute_shell_command get_current_directory google_search list_directory_content move_directory move_file
    query_mongodb query_mysql query_sqlite read_json_file read_text_file retrieve_from_list summarization
    write_json_file write_text_file
"""
_PARSERS = """
    DictDialogAgent TextToImageAgent MarkdownCodeBlockParser MarkdownJsonDictParser MarkdownJsonObjectParser
    MultiTaggedContentParser ParserBase RegexTaggedContentParser TaggedContent
    JsonDictValidationError JsonParsingError JsonTypeError RequiredFieldNotFoundError ResponseParsingError
    TagNotFoundError
"""
_MODELS = """
    ChatModelBase DashScopeChatFormatter DashScopeChatModel DashScopeMultiAgentFormatter FormatterBase
    OpenAIChatFormatter OpenAIChatModel OpenAIDALLEWrapper OpenAIEmbeddingWrapper OpenAIMultiAgentFormatter
    OpenAIWrapperBase PostAPIChatWrapper PostAPIDALLEWrapper PostAPIEmbeddingWrapper PostAPIModelWrapperBase
"""
NAMES = frozenset(f"{_BLOCKS} {_TOOLS} {_SERVICES} {_PARSERS} {_MODELS}".split())

PROGRAMS = {
    "dict_agent": "DictDialogAgent and MarkdownJsonDictParser",
    "post_api": "post_api_chat, and init(project=, name=)",
    "services": "ServiceToolkit and ServiceResponse",
}

BLOCKS = {"own agent": "a model that takes a message as it is"}
"""Parts of AgentScope's README."""
