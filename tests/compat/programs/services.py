"""Functions as services: schemas for the model, and calls made from what it answers."""

import agentscope
from agentscope.service import ServiceExecStatus, ServiceResponse, ServiceToolkit


def shelf_of(title: str, floor: int = 0) -> ServiceResponse:
    """Find the shelf on which a book stands.

    Args:
        title (str): The book's title.
        floor (int): The floor to look on.
    """
    if not title:
        return ServiceResponse(status=ServiceExecStatus.ERROR, content="no title")
    return ServiceResponse(
        status=ServiceExecStatus.SUCCESS, content=f"{title}: shelf {len(title)}, floor {floor}"
    )


def main() -> None:
    agentscope.init()
    toolkit = ServiceToolkit()
    toolkit.add(shelf_of, floor=2)
    schema = toolkit.json_schemas["shelf_of"]["function"]
    print(schema["name"], sorted(schema["parameters"]["properties"]))
    result = toolkit.parse_and_call_func([{"name": "shelf_of", "arguments": {"title": "Poetry"}}])
    print(result.content)


if __name__ == "__main__":
    main()
