"""`TextToImageAgent`: pictures that arrive with its message, and stay."""

from __future__ import annotations

import base64
import subprocess
import sys
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from nbagents.agents import TextToImageAgent
from nbagents.exceptions import ModelResponseError, UsageError
from nbagents.message import Msg
from nbagents.models import ModelResponse, ModelWrapperBase
from nbagents.render import message_html

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
DATA = "data:image/png;base64," + base64.b64encode(PNG).decode()


class Painter(ModelWrapperBase):
    """Gives these addresses, as an endpoint at ``base_url`` would."""

    def __init__(self, *urls: str, base_url: str = "http://127.0.0.1:1") -> None:
        super().__init__("painter")
        self.urls, self.asked, self.base_url = list(urls), [], base_url

    @property
    def config(self):
        return {"base_url": self.base_url}

    def __call__(self, messages, **generate_args):
        self.asked.append(messages)
        return ModelResponse(image_urls=self.urls)


@pytest.fixture(scope="module")
def web_server():
    """A real web server with a picture, a page, and a picture without end."""

    class Files(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.path)
            if self.path.startswith("/to/"):
                self.send_response(302)
                self.send_header("location", self.path.removeprefix("/to/"))
            else:
                self.send_response(404 if self.path == "/gone" else 200)
            self.end_headers()
            try:
                self.wfile.write(b"<html>" if self.path == "/page" else PNG)
                for _ in range(200 if self.path == "/huge" else 0):
                    self.wfile.write(bytes(10_000))
                while self.path == "/drip" and not self.server.ends.wait(0.05):
                    self.wfile.write(bytes(1))
            except ConnectionError:
                pass

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    server.asked, server.ends = [], threading.Event()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.ends.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def web(web_server):
    return f"http://127.0.0.1:{web_server.server_port}"


def test_the_pictures_of_a_model_are_in_the_message_and_in_its_card(capsys):
    model = Painter(DATA)
    agent = TextToImageAgent("painter", model)
    asked = Msg("user", "rain on glass")
    reply = agent(asked)
    assert reply.url == [DATA]
    assert (reply.role, model.asked) == ("assistant", ["rain on glass"])
    assert agent.memory.get_memory() == [asked, reply]
    assert f'src="{DATA}" alt="picture 1 from painter"' in message_html(reply)


def test_a_picture_in_the_web_is_kept(web):
    reply = TextToImageAgent("painter", Painter(f"{web}/a.png", f"{web}/b.png"))("rain")
    assert reply.url == [DATA, DATA]


@pytest.mark.parametrize("path", ["gone", "page", "huge"])
def test_what_cannot_be_kept_stays_an_address(web, path):
    url = f"{web}/{path}"
    reply = TextToImageAgent("painter", Painter(url))("rain")
    assert reply.url == [url]
    html = message_html(reply)
    assert f'href="{url}"' in html
    assert "<img" not in html


def test_no_picture_and_nothing_to_paint_are_errors():
    with pytest.raises(ModelResponseError, match="painter gave no picture") as caught:
        TextToImageAgent("painter", Painter())("rain").result(20)
    assert "openai_dall_e" in caught.value.hint
    with pytest.raises(UsageError, match="was given none"):
        TextToImageAgent("painter", Painter(DATA))().result(20)
    with pytest.raises(UsageError, match="model_config_name"):
        TextToImageAgent("painter")


def test_the_demo_model_paints(capsys):
    config = {"config_name": "d", "model_type": "openai_dall_e", "model_name": "demo", "endpoint": "demo"}
    reply = TextToImageAgent("painter", config)("rain on glass").result(30)
    out = capsys.readouterr().out
    assert len(out) < 200, "a terminal is not flooded"
    assert "painter: data:image/png;base64," in out
    assert message_html(reply).count("<img") == len(reply.url) == 1


def test_a_chat_model_paints_nothing():
    with pytest.raises(UsageError, match="demo-fast is one for chats") as caught:
        TextToImageAgent("painter", "demo-fast")
    assert "openai_dall_e" in caught.value.hint


def test_no_endpoint_has_machines_of_a_private_network_asked(web, web_server):
    far = "https://api.example.org/v1"
    url = f"{web}/secret"
    assert TextToImageAgent("painter", Painter(url, base_url=far))("rain").url == [url]
    assert "/secret" not in web_server.asked
    around = f"{web}/to/{web.replace('127.0.0.1', 'localhost')}/secret"
    assert TextToImageAgent("painter", Painter(around, base_url=web))("rain").url == [around]
    assert web_server.asked[-1].startswith("/to/")
    assert TextToImageAgent("painter", Painter(f"{web}/to/{web}/a.png", base_url=web))("rain").url == [DATA]


def test_a_picture_that_comes_too_slowly_stays_an_address(web, monkeypatch):
    monkeypatch.setattr("nbagents.agents._text_to_image.FETCH_SECONDS", 0.5)
    url = f"{web}/drip"
    reply = TextToImageAgent("painter", Painter(url))("rain")
    assert reply.result(5).url == [url]


def test_a_server_that_says_nothing_holds_up_no_exit():
    script = """
        import socket
        from nbagents.agents import TextToImageAgent
        from nbagents.models import ModelResponse, ModelWrapperBase

        silent = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.png"

        class Painter(ModelWrapperBase):
            config = {"base_url": url}
            def __call__(self, messages, **generate_args):
                return ModelResponse(image_urls=[url])

        reply = TextToImageAgent("painter", Painter("painter"))("rain")
        asked, _ = silent.accept()
        assert asked.recv(1)
        reply.cancel()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], timeout=15, check=True)
