"""Orders over ``/v5/trade``: the requests of REST in another envelope."""

from typing import Any

from tests.venues.bybit.dispatch import Dispatch
from tests.venues.bybit.replies import Refusal, Row
from tests.venues.bybit.rest import Rest
from tests.venues.bybit.signing import window_check
from tests.venues.bybit.sockets import Socket
from tests.venues.faults import ON_REQUESTS, FaultScript

_PATHS = {
    f"order.{name}": f"/v5/order/{name}"
    for name in ("create", "amend", "cancel", "create-batch", "amend-batch", "cancel-batch")
}


class OrderSocket:
    """Answers messages of order sockets."""

    def __init__(self, rest: Rest, dispatch: Dispatch, script: FaultScript) -> None:
        self._rest = rest
        self._dispatch = dispatch
        self._script = script

    def on_message(self, socket: Socket, message: Row) -> None:
        """Do what a message asks and answer it."""
        path = _PATHS.get(str(message.get("op")))
        args = message.get("args")
        if path is None or not _is_one_object(args):
            self._reply(socket, message, code=10001, text="Params Error")
            return
        assert isinstance(args, list)
        number = self._rest.received(path, args[0], transport="SOCKET")
        fault = self._script.draw(path, ON_REQUESTS)
        lost = fault is not None and fault.loses_answer
        if fault is None or fault.is_accepted:
            self._do(socket, message, path, args[0], number=number, lost=lost)
        if lost:
            socket.abort()

    def _do(
        self, socket: Socket, message: Row, path: str, asked: Any, *, number: int, lost: bool
    ) -> None:
        code, text = 0, "OK"
        header: dict[str, str] = {}
        data: Row = {}
        extra: Row = {}
        try:
            self._check(socket, message)
            header, room = self._rest.take(path, asked)
            data, extra = self._dispatch.answer(path, asked, room=room)
        except Refusal as refusal:
            code, text = refusal.code, refusal.message
            if code == 10006:
                header = self._rest.exceeded(path, asked)
        self._rest.answered(number, code, lost=lost)
        if not lost:
            self._reply(
                socket, message, code=code, text=text, data=data, extra=extra, header=header
            )

    def _check(self, socket: Socket, message: Row) -> None:
        if not socket.is_known:
            raise Refusal(10003, "Request not authorized")
        header = message.get("header") or {}
        window_check(
            str(header.get("X-BAPI-TIMESTAMP", "")),
            str(header.get("X-BAPI-RECV-WINDOW", "5000")),
            now_ms=self._rest.venue.now_ms(),
        )

    def _reply(
        self,
        socket: Socket,
        message: Row,
        *,
        code: int,
        text: str,
        data: Row | None = None,
        extra: Row | None = None,
        header: dict[str, str] | None = None,
    ) -> None:
        words = {
            "retCode": code,
            "retMsg": text,
            "op": message.get("op"),
            "data": data or {},
            "retExtInfo": extra or {},
            "header": {
                **(header or {}),
                "Traceid": socket.conn_id,
                "Timenow": str(self._rest.venue.now_ms()),
            },
            "connId": socket.conn_id,
        }
        if "reqId" in message:
            words = {"reqId": message["reqId"], **words}
        socket.answer(words, delay_seconds=self._rest.venue.settings.entry_delay_ms / 1000)


def _is_one_object(args: object) -> bool:
    return isinstance(args, list) and len(args) == 1 and isinstance(args[0], dict)
