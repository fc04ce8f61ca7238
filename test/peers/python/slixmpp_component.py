"""A slixmpp component that is steered by lines of JSON; see test/support/client-program.ts."""

import asyncio

from slixmpp import ComponentXMPP
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import StanzaPath
from steering import run, tell


class Component(ComponentXMPP):
    """A component: tells what it sees, does what it is asked."""

    def __init__(self, jid, secret, host, port):
        super().__init__(jid, secret, host, port)
        self.use_ipv6 = self.use_aiodns = False  # the server of a test is on 127.0.0.1
        for plugin in ("xep_0004", "xep_0030", "xep_0060", "xep_0092", "xep_0199"):
            self.register_plugin(plugin)
        self["xep_0030"].add_identity("gateway", "irc", name="Verona")
        self.add_event_handler("message", self.on_message)
        self.add_event_handler("message_error", self.on_message)
        self.add_event_handler("presence_subscribe", self.on_subscribe)
        self.register_handler(Callback("published", StanzaPath("iq/pubsub/publish"), self.on_publish))
        self.add_event_handler("disconnected", lambda reason: tell({"event": "disconnected"}))
        self.add_event_handler("stream_error", lambda error: tell(
            {"event": "stream-error", "condition": error["condition"]}))

    def on_message(self, message):
        # slixmpp looks for errors in the namespace of clients only.
        condition = message.xml.find(".//{urn:ietf:params:xml:ns:xmpp-stanzas}*")
        tell({
            "event": "message", "from": str(message["from"]), "sender": message["from"].bare,
            "to": str(message["to"]), "type": message["type"], "body": message["body"],
            "condition": None if condition is None else condition.tag.partition("}")[2],
        })

    def on_subscribe(self, presence):
        tell({"event": "subscribe", "from": str(presence["from"]), "to": str(presence["to"])})

    def on_publish(self, iq):
        publish = iq["pubsub"]["publish"]
        form = self["xep_0004"].stanza.Form(publish.xml.find(".//{jabber:x:data}x"))
        tell({"event": "published", "from": str(iq["from"]), "node": publish["node"],
              "values": form.get_values()})
        iq.reply().send()


class Steering:
    """What can be asked for: each method is a request, its arguments are the request's fields."""

    def __init__(self):
        self.component = None

    async def connect(self, jid, secret, host, port):
        component = self.component = Component(jid, secret, host, port)
        outcome = asyncio.get_running_loop().create_future()

        def settle(result, *_):
            if not outcome.done():
                outcome.set_result(result)

        component.add_event_handler("session_start", lambda _: settle("started"))
        component.add_event_handler("disconnected", lambda _: settle("refused"))
        component.add_event_handler("connection_failed", lambda error: settle(f"failed: {error}"))
        component.connect()
        result = await outcome
        if result != "started":
            component.cancel_connection_attempt()
            raise RuntimeError(result)

    async def message(self, sender, to, body):
        self.component.send_message(mfrom=sender, mto=to, mbody=body, mtype="chat")

    async def presence(self, sender, to, type=None):
        self.component.send_presence(pfrom=sender, pto=to, ptype=type)

    async def ping(self, to):
        await self.component["xep_0199"].send_ping(to, timeout=10)

    async def version(self, to):
        answer = await self.component["xep_0092"].get_version(to)
        return answer["software_version"]["name"]

    async def logout(self):
        ended = asyncio.get_running_loop().create_future()
        self.component.add_event_handler(
            "disconnected", lambda _: ended.done() or ended.set_result(0))
        self.component.disconnect()
        await ended


if __name__ == "__main__":
    run(Steering())
