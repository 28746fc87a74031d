"""`TextToImageAgent`: pictures that arrive with its message, and stay."""

from __future__ import annotations

import base64
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

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
    def __init__(self, *urls: str) -> None:
        super().__init__("painter")
        self.urls, self.asked = list(urls), []

    def __call__(self, messages, **generate_args):
        self.asked.append(messages)
        return ModelResponse(image_urls=self.urls)


@pytest.fixture(scope="module")
def web():
    """A real web server with a picture, a page, and a picture without end."""

    class Files(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(404 if self.path == "/gone" else 200)
            self.end_headers()
            try:
                self.wfile.write(b"<html>" if self.path == "/page" else PNG)
                for _ in range(200 if self.path == "/huge" else 0):
                    self.wfile.write(bytes(10_000))
            except ConnectionError:
                pass

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Files)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


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
