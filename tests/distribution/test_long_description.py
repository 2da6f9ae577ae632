from distribution.long_description import long_description

README = """\
# gputui

[中文](README.zh.md)

![The stock](docs/images/stock.png)

See [pody](https://pypi.org/project/pody/) and [all keys](docs/keys.md), `[#]` in a list.
"""


def test_a_known_repository_has_the_pictures_and_pages_of_the_release() -> None:
    text = long_description(README, repository="https://example.com/o/gputui", version="0.1.0")

    assert "![The stock](https://example.com/o/gputui/raw/v0.1.0/docs/images/stock.png)" in text
    assert "[all keys](https://example.com/o/gputui/blob/v0.1.0/docs/keys.md)" in text
    assert "[pody](https://pypi.org/project/pody/)" in text


def test_without_a_repository_nothing_leads_nowhere() -> None:
    assert long_description(README, repository="", version="0.1.0") == (
        "# gputui\n\nSee [pody](https://pypi.org/project/pody/) and all keys, `[#]` in a list.\n"
    )
