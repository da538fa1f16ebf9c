"""Swagger UI from files that ship with us: the page loads nothing from another host."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from swagger_ui_bundle import swagger_ui_path

from api.files import WholeFiles

router = APIRouter(include_in_schema=False)


ASSETS = WholeFiles(directory=swagger_ui_path)
ASSETS_PATH = "/docs/assets"

_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Etalon API</title>
<link rel="stylesheet" href="{ASSETS_PATH}/swagger-ui.css">
<link rel="icon" href="{ASSETS_PATH}/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{ASSETS_PATH}/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null});
"""


@router.get("/docs")
async def show_docs() -> HTMLResponse:
    """The interactive documentation."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/start.js")
async def start_docs() -> Response:
    """The page's own script, in a file so that its policy can forbid scripts in the page."""
    return Response(_START, media_type="text/javascript")
