"""Who may come in."""

from imageferry.gateway.security.sessions import CODE_S, CODES_MAX, Sessions

TOKEN = "correct-horse-battery-staple"


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_only_the_token_is_the_token() -> None:
    sessions = Sessions(TOKEN)
    assert sessions.is_token(TOKEN)
    for other in ("", TOKEN[:-1], f"{TOKEN} ", "\udcff", "ä"):
        assert not sessions.is_token(other)


def test_a_code_is_good_once() -> None:
    sessions = Sessions(TOKEN)
    code = sessions.new_code()
    assert not sessions.redeem(code + "x")
    assert sessions.redeem(code)
    assert not sessions.redeem(code)


def test_a_code_ends_by_itself() -> None:
    clock = Clock()
    sessions = Sessions(TOKEN, clock_s=clock)
    code = sessions.new_code()
    clock.now_s += CODE_S
    assert not sessions.redeem(code)


def test_codes_are_bounded_in_number() -> None:
    sessions = Sessions(TOKEN)
    codes = [sessions.new_code() for _ in range(CODES_MAX + 1)]
    assert not sessions.redeem(codes[0])
    assert sessions.redeem(codes[-1])


def test_a_session_outlives_a_restart_and_ends_with_the_token() -> None:
    session = Sessions(TOKEN).begin()
    assert Sessions(TOKEN).knows(session)
    assert not Sessions(TOKEN + "2").knows(session)


def test_a_session_is_no_token_and_tells_nothing_of_it() -> None:
    sessions = Sessions(TOKEN)
    session = sessions.begin()
    assert not sessions.is_token(session)
    assert TOKEN not in session
    assert session != sessions.begin()


def test_what_is_forged_is_no_session() -> None:
    sessions = Sessions(TOKEN)
    session = sessions.begin()
    for forged in ("", "x", session[:-1], session + "A", session.replace(".", ".A", 1), TOKEN):
        assert not sessions.knows(forged)
