"""`AgentApp`: agents as a service over HTTP."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from .. import asking
from ..config import Secret
from ..exceptions import UsageError
from ..message import Msg
from ..render import content_text
from ._answer import Answer
from ._app_thread import AppThread
from ._book import Book
from ._doors import Doors
from ._endpoint import Endpoint
from ._failure import Refusal
from ._faults import FAULTS
from ._frameworks import FRAMEWORKS
from ._gate import Gate
from ._handler import call, fitting, said_by
from ._inputs import messages_of
from ._options import check_options
from ._schemas import AgentRequest
from ._serving import Serving, serve
from ._task import Tasks
from ._tokens import check_tokens
from ._traced import Traced
from ._usage import count

__all__ = ["AgentApp", "Runner"]

log = logging.getLogger(__name__)
Function = TypeVar("Function", bound=Callable[..., Any])


class Runner:
    """What the functions of an app get as ``self``: put on it what they share."""


class AgentApp:
    """Agents as a service: ``app.run()`` serves what its query function says.

    In a notebook `run` returns at once; run the cell of the query function again, and the app that runs
    uses the new one. It is an ASGI application itself, to be mounted in another.

    Args:
        app_name: Its name.
        app_description: What it does.
        endpoint_path: Where requests go.
        stream: Answer with events unless a request says otherwise.
        request_model: What a request must be, a subclass of `AgentRequest`.
        before_start: Called with the runner before anything else.
        after_finish: Called with the runner after everything else.
        lifespan: An async context manager around the time in which it serves, called with this app.
        token: What clients must send as ``Authorization: Bearer``; one is made if it is left out.
        tokens: Instead, a token for each user. Requests then are that user's, whatever they say.
        insecure: Serve everybody who reaches it, without a token, and other machines too.
        hosts: Names by which it may be called, beside localhost.
        resume_seconds: How long an answer goes on whose client has gone, in case it comes back.
        max_running: Answers under way; further requests are refused with 429.
        max_body: Bytes of a request.
        rate: Requests a second of one user, 0 for no limit.

    Raises:
        UsageError: the settings cannot be used.
    """

    def __init__(
        self,
        *,
        app_name: str = "",
        app_description: str = "",
        endpoint_path: str = "/process",
        stream: bool = True,
        request_model: type[BaseModel] = AgentRequest,
        before_start: Callable[..., Any] | None = None,
        after_finish: Callable[..., Any] | None = None,
        lifespan: Callable[[AgentApp], Any] | None = None,
        token: str | Secret | None = None,
        tokens: Mapping[str, str | Secret] | None = None,
        insecure: bool = False,
        hosts: Iterable[str] = (),
        resume_seconds: float = 15.0,
        max_running: int = 2000,
        max_body: int = 16 * 2**20,
        rate: float = 500.0,
    ) -> None:
        if not endpoint_path.startswith("/") or endpoint_path == "/":
            raise UsageError(f"endpoint_path is a path like '/process', not {endpoint_path!r}")
        if not (isinstance(request_model, type) and issubclass(request_model, AgentRequest)):
            raise UsageError("request_model is a subclass of AgentRequest")
        check_tokens(token, tokens, insecure)
        self.app_name, self.app_description = app_name, app_description
        self.endpoint_path, self.stream = endpoint_path.rstrip("/"), stream
        self.request_model = request_model
        self.runner = Runner()
        self.insecure = insecure
        self.hosts, self._largest, self._rate = tuple(hosts), max_body, rate
        self._token = None if tokens or insecure else Secret(token or secrets.token_urlsafe(32))
        self._tokens = {name: Secret(text) for name, text in (tokens or {}).items()}
        if self._token is not None:
            self._tokens[""] = self._token
        self._before, self._after, self._lifespan = before_start, after_finish, lifespan
        self._init: Callable[..., Any] | None = None
        self._shutdown: Callable[..., Any] | None = None
        self._query: Callable[..., Any] | None = None
        self.code_since, self.replaced = time.monotonic(), 0
        """Since when it has its query function, of `time.monotonic`; how often there was another before."""
        self.resume_seconds, self._most = resume_seconds, max_running
        self._framework = "agentscope"
        self._doors, self._tasks = Doors(self), Tasks()
        self._added: dict[str, Route] = {}
        self._written: dict[str, Callable[..., Any]] = {}
        self._built: Starlette | None = None
        self._life: AsyncExitStack | None = None
        self._starting: asyncio.Lock | None = None
        self.book = Book(patience=resume_seconds, most=max_running)
        self.serving: Serving | None = None
        self.home: AppThread | None = None

    def __repr__(self) -> str:
        where = (
            f"serves at {self.serving.url}" if self.serving is not None and self.serving.alive else "is idle"
        )
        return f"<AgentApp {self.app_name} {where}>" if self.app_name else f"<AgentApp {where}>"

    # ---- what it does

    def init(self, function: Function) -> Function:
        """Have ``function(runner)`` called when it starts."""
        self._init = _checked(function, "init")
        return function

    def shutdown(self, function: Function) -> Function:
        """Have ``function(runner)`` called when it ends."""
        self._shutdown = _checked(function, "shutdown")
        return function

    def query(self, framework: str = "agentscope") -> Callable[[Function], Function]:
        """Have the function answer requests: ``function(runner, msgs, request=None, **kwargs)``.

        It may be an async generator, a coroutine, a generator or plain, and yields or returns
        ``(message so far, whether it is whole)``, whole messages, or pieces of text. With the ``framework``
        "autogen", "agno" or "langgraph" it may yield what an agent of that streams, as it comes.

        Raises:
            UsageError: the messages of that framework are not known.
        """
        if callable(framework):
            raise UsageError("query is called: @app.query()")
        if framework not in FRAMEWORKS:
            raise UsageError(
                f"there is no framework {framework!r}; there are: {', '.join(FRAMEWORKS)}",
                hint="have the function yield texts, and say framework='text'",
            )

        def register(function: Function) -> Function:
            self._query, earlier = _checked(function, "query"), self._query
            self.code_since = time.monotonic()
            self.replaced += earlier is not None
            self.book.record.changed()
            self._framework = framework
            return function

        return register

    def endpoint(self, path: str, methods: Iterable[str] = ("POST",)) -> Callable[[Function], Function]:
        """Serve a function at a path of its own; a generator's values become events.

        What is in the JSON body goes to the parameters of that name, or all of it to a parameter that
        is a model of pydantic; one that is called ``request`` gets the request.
        """

        def register(function: Function) -> Function:
            self._add(path, Endpoint(_checked(function, "endpoint")).respond, methods)
            self._written[path] = function
            return function

        return register

    def task(self, path: str, queue: str = "default") -> Callable[[Function], Function]:
        """Serve a function that takes long: ``POST`` returns ``task_id``, ``GET path/ID`` how far it is.

        What became of it is kept in memory.
        """

        def register(function: Function) -> Function:
            begin, look = self._tasks.doors(Endpoint(function))
            self._add(f"{path}/{{task_id}}", look, ["GET"])
            self._add(path, begin, ["POST"])
            self._written[path] = function
            return function

        return register

    def _add(self, path: str, door: Any, methods: Iterable[str]) -> None:
        if not path.startswith("/"):
            raise UsageError(f"a path begins with /, and {path!r} does not")
        if any(route.path == path for route in self._doors.routes()):
            raise UsageError(f"{path} is taken by the app itself")
        self._added[path] = Route(path, door, methods=list(methods))
        self._built = None

    # ---- as ASGI

    @property
    def token(self) -> str | None:
        """What clients send as ``Authorization: Bearer``; None where there is none, or one for each user."""
        return None if self._token is None else self._token.reveal()

    @property
    def routes(self) -> list[Route]:
        """The addresses that it serves."""
        return [*self._doors.routes(), *self._added.values()]

    def gated(self, *, public: bool = False) -> Gate:
        """Return the application behind its gate, for a server that listens beyond this machine too."""
        return Gate(
            self._route, self._tokens, hosts=self.hosts, public=public, largest=self._largest, rate=self._rate
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, as an ASGI application; mounted in another one it starts with its first request."""
        if "_gate" not in self.__dict__:
            self._gate = self.gated()
        await self._gate(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._built is None:
            self._built = Starlette(
                routes=self.routes,
                lifespan=self._living,
                exception_handlers=FAULTS,
            )
        if scope["type"] != "lifespan":
            await self.start()
        # Clients do not make questions appear at whoever started this process: there is nobody to be asked.
        with asking.answering(asking.nobody):
            await Traced(self._built, lambda: self.routes)(scope, receive, send)

    @asynccontextmanager
    async def _living(self, _: Any) -> AsyncIterator[None]:
        await self.start()
        try:
            yield
        finally:
            await self.stop()

    async def start(self) -> None:
        """Call what is to be called before it serves, once. On the loop that serves."""
        if self._alive():
            return
        if self._starting is None:
            self._starting = asyncio.Lock()
        async with self._starting:
            if not self._alive():
                life = AsyncExitStack()
                try:
                    await self._begin(life)
                except BaseException:
                    await life.aclose()
                    raise
                self._life = life

    def _alive(self) -> bool:
        return self._life is not None

    async def _begin(self, life: AsyncExitStack) -> None:
        self.book = Book(patience=self.resume_seconds, most=self._most)
        life.callback(count())
        life.push_async_callback(self._call, lambda: self._after)
        await self._call(lambda: self._before)
        if self._lifespan is not None:
            await life.enter_async_context(self._lifespan(self))
        life.push_async_callback(self._call, lambda: self._shutdown)
        await self._call(lambda: self._init)
        life.push_async_callback(self._tasks.stop)
        life.push_async_callback(self.book.stop_all)
        life.push_async_callback(self._doors.stop)

    async def stop(self) -> None:
        """Stop what is being answered, and call what is to be called at the end."""
        life, self._life, self._starting = self._life, None, None
        if life is not None:
            await life.aclose()

    async def _call(self, which: Callable[[], Callable[..., Any] | None]) -> None:
        function = which()
        if function is not None:
            await call(function, self.runner)

    # ---- answering

    async def answer(self, request: AgentRequest, user: str = "", *, patience: float | None = None) -> Answer:
        """Begin to answer a request.

        Raises:
            Refusal: its session is being answered, or too many are; or there is no query function.
        """
        if self._query is None:
            raise Refusal(501, "no_query", "this app has no query function yet: @app.query()")
        session = request.session_id or secrets.token_hex(16)
        user = user or request.user_id or session
        asked = request.model_copy(update={"session_id": session, "user_id": user})
        messages = messages_of(asked.input)
        question = content_text(messages[-1].content) if messages else ""
        return await self.book.begin(
            user, session, lambda: self._say(messages, asked), patience=patience, question=question
        )

    async def _say(self, messages: list[Msg], request: AgentRequest) -> AsyncGenerator[Any, None]:
        query = self._query
        assert query is not None
        async with aclosing(
            said_by(query, self._framework, self.runner, messages, **fitting(query, {"request": request}))
        ) as said:
            async for item in said:
                yield item

    async def stop_chat(self, user_id: str, session_id: str) -> bool:
        """Stop what is being answered in a session, and wait for its end. Was there anything?

        From any loop or thread with a loop; a `Serving` app is told on its own loop.
        """
        if self.serving is not None and self.serving.alive:
            return await self.serving.on_loop(self.book.stop(user_id, session_id))
        return await self.book.stop(user_id, session_id)

    # ---- serving

    def run(self, host: str = "127.0.0.1", port: int = 8080, **options: Any) -> Serving | None:
        """Serve at an address: in a script until it is interrupted, in a notebook at once and behind it.

        ``ssl_certfile``, ``ssl_keyfile`` and others are those of uvicorn; ``shutdown_timeout`` and
        ``startup_timeout`` are seconds. What `run` has served of this app, or at that port of one of its name
        or of none, as it has none, ends: the cell was run again. What a deployer serves of it goes on. All of
        it ends with this process; see `deploy`. A start that fails, or is interrupted, leaves the port free.

        Raises:
            UsageError: the port is taken, there is no such option, the certificate cannot be used, or
                ``host`` is another machine's way here and neither TLS nor ``insecure=True`` was said.
        """
        serving = self.serve(host, port, **options)
        if _in_notebook():
            return serving
        serving.wait()
        return None

    def serve(self, host: str = "127.0.0.1", port: int = 8080, **options: Any) -> Serving:
        """Serve as `run` does, behind whatever else goes on; ``with`` ends it. Raises as `run` does."""
        check_options(options)
        return serve(self, host, port, **options)

    async def deploy(self, deployer: Any, **options: Any) -> dict[str, Any]:
        """Have a deployer serve it: ``await app.deploy(LocalDeployManager(port=8090))``.

        ``options`` are the deployer's: ``mode="detached_process"`` has it outlive this process. Where it
        serves already, by `run` say, it goes on serving: on the same thread, with the same sessions.
        """
        deployed: dict[str, Any] = await deployer.deploy(app=self, **options)
        return deployed


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    return shell is not None and shell.get_ipython() is not None


def _checked(function: Any, what: str) -> Any:
    if not callable(function):
        raise UsageError(f"@app.{what} is for a function, not {type(function).__name__}")
    return function
