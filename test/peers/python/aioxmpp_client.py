"""An aioxmpp client that is steered by lines of JSON; see test/support/client-program.ts."""

import asyncio

import aioxmpp
import aioxmpp.carbons
import aioxmpp.connector
from steering import run, tell


class Steering:
    def __init__(self):
        self.client = None

    async def login(self, jid, password, host, port, direct, certificate, **_):
        security = aioxmpp.make_security_layer(password, no_verify=True)
        connector = (aioxmpp.connector.XMPPOverTLSConnector() if direct
                     else aioxmpp.connector.STARTTLSConnector())
        client = self.client = aioxmpp.PresenceManagedClient(
            aioxmpp.JID.fromstr(jid), security, override_peer=[("127.0.0.1", port, connector)])
        client.summon(aioxmpp.CarbonsClient)
        dispatcher = client.summon(aioxmpp.dispatcher.SimpleMessageDispatcher)
        dispatcher.register_callback(None, None, self.on_message)
        client.on_stream_suspended.connect(lambda reason: tell({"event": "suspended"}))
        client.on_stream_resumed.connect(lambda: tell({"event": "resumed"}))
        ready = asyncio.get_running_loop().create_future()
        client.on_stream_established.connect(lambda: ready.done() or ready.set_result(None))
        client.on_failure.connect(lambda error: ready.done() or ready.set_exception(error))
        client.presence = aioxmpp.PresenceState(True)
        await ready
        return {
            "jid": str(client.local_jid), "tls": "", "mechanism": "",
            "features": ["sm"] if client.stream.sm_enabled else [],
        }

    def on_message(self, message):
        copy = message.xep0280_received or message.xep0280_sent
        inner = message if copy is None else copy.stanza
        tell({
            "event": "message" if copy is None else "copy",
            "from": str(inner.from_), "body": inner.body.any() if inner.body else None,
        })

    async def message(self, to, body):
        message = aioxmpp.Message(type_=aioxmpp.MessageType.CHAT, to=aioxmpp.JID.fromstr(to))
        message.body[None] = body
        await self.client.send(message)  # resolves when the server acknowledged it (XEP-0198)

    async def whoami(self):
        return str(self.client.local_jid)

    async def copies(self, enabled):
        carbons = self.client.summon(aioxmpp.CarbonsClient)
        await (carbons.enable() if enabled else carbons.disable())

    async def cut(self):
        """Breaks the connection, as a network does; aioxmpp comes back by itself."""
        self.client.stream._xmlstream.transport._force_close(ConnectionResetError("cut"))

    async def logout(self):
        stopped = asyncio.get_running_loop().create_future()
        self.client.on_stopped.connect(lambda: stopped.done() or stopped.set_result(None))
        self.client.presence = aioxmpp.PresenceState(False)
        await stopped


if __name__ == "__main__":
    run(Steering())
