"""Access token, login codes and sessions."""

from imageferry.clock import now_ms
from imageferry.gateway.security.sessions import LOGIN_CODE_S, LOGIN_CODES_MAX, SESSION_S, Sessions

TOKEN = "correct-horse-battery-staple"


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_only_the_exact_token_is_valid() -> None:
    sessions = Sessions(TOKEN)
    assert sessions.is_valid_token(TOKEN)
    for other in ("", TOKEN[:-1], f"{TOKEN} ", "\udcff", "ä"):
        assert not sessions.is_valid_token(other)


def test_a_login_code_is_valid_once() -> None:
    sessions = Sessions(TOKEN)
    code = sessions.create_login_code()
    assert not sessions.redeem_login_code(code + "x")
    assert sessions.redeem_login_code(code)
    assert not sessions.redeem_login_code(code)


def test_a_login_code_expires() -> None:
    clock = Clock()
    sessions = Sessions(TOKEN, clock_s=clock)
    code = sessions.create_login_code()
    clock.now_s += LOGIN_CODE_S
    assert not sessions.redeem_login_code(code)


def test_the_number_of_login_codes_is_limited() -> None:
    sessions = Sessions(TOKEN)
    codes = [sessions.create_login_code() for _ in range(LOGIN_CODES_MAX + 1)]
    assert not sessions.redeem_login_code(codes[0])
    assert sessions.redeem_login_code(codes[-1])


def test_a_session_survives_a_restart_but_not_a_new_token() -> None:
    session = Sessions(TOKEN).create_session()
    assert Sessions(TOKEN).is_valid_session(session)
    assert not Sessions(TOKEN + "2").is_valid_session(session)


def test_a_session_reveals_nothing_about_the_token() -> None:
    sessions = Sessions(TOKEN)
    session = sessions.create_session()
    assert not sessions.is_valid_token(session)
    assert TOKEN not in session
    assert session != sessions.create_session()


def test_a_forged_session_is_invalid() -> None:
    sessions = Sessions(TOKEN)
    session = sessions.create_session()
    for forged in ("", "x", session[:-1], session + "A", session.replace(".", ".A", 1), TOKEN):
        assert not sessions.is_valid_session(forged)


def test_an_ended_session_is_invalid_and_others_are_not() -> None:
    sessions = Sessions(TOKEN)
    ended, other = sessions.create_session(), sessions.create_session()
    session_id = sessions.session_id(ended)
    assert session_id is not None
    sessions.add_ended({session_id: now_ms()})
    assert not sessions.is_valid_session(ended)
    assert sessions.session_id(ended) is None
    assert sessions.is_valid_session(other)


def test_ended_sessions_are_forgotten_once_they_have_expired() -> None:
    sessions = Sessions(TOKEN)
    sessions.add_ended({str(number): now_ms() - SESSION_S * 1000 - 1 for number in range(100)} | {"new": now_ms()})
    assert list(sessions._ended_ms) == ["new"]
