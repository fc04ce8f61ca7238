"""A slixmpp client that is steered by lines of JSON; see test/support/client-program.ts."""

import asyncio
import hashlib
import io
import os
from pathlib import Path
from xml.etree import ElementTree as ET

from slixmpp import JID, ClientXMPP
from slixmpp.exceptions import IqError, PresenceError
from slixmpp.plugins.xep_0048 import Bookmarks
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import StanzaPath
from steering import run, tell

PLUGINS = (
    "xep_0004", "xep_0012", "xep_0013", "xep_0030", "xep_0045", "xep_0048", "xep_0049", "xep_0050", "xep_0054",
    "xep_0060", "xep_0077", "xep_0084", "xep_0092", "xep_0115", "xep_0133", "xep_0163", "xep_0191", "xep_0199",
    "xep_0202", "xep_0203", "xep_0280", "xep_0313", "xep_0352",
)

USER = "{http://jabber.org/protocol/muc#user}"
MODERATE, RETRACT = "urn:xmpp:message-moderate:1", "urn:xmpp:message-retract:1"


class Client(ClientXMPP):
    """One account's client: tells what it sees, does what it is asked."""

    def __init__(self, jid, password, certificate, mechanism=None):
        super().__init__(jid, password, sasl_mech=mechanism)
        self.use_ipv6 = self.use_aiodns = False  # the server of a test is on 127.0.0.1
        self.ca_certs = Path(certificate)  # the certificate is verified, against this one
        self.roster.auto_authorize = None  # requests are answered by whoever steers
        self.roster.auto_subscribe = False
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        self.register_handler(Callback("messages", StanzaPath("message"), self.on_message))
        self.register_handler(Callback("presences", StanzaPath("presence"), self.on_presence))
        self.register_handler(Callback("pushes", StanzaPath("iq@type=set/roster"), self.on_push))
        for event in ("publish", "retract"):
            self.add_event_handler(f"pubsub_{event}", self.on_node)
        for direction in ("sent", "received"):  # slixmpp tells only of copies from the account itself
            self.add_event_handler(f"carbon_{direction}", self.on_copy)
        self.add_event_handler("disconnected", lambda reason: tell({"event": "disconnected"}))
        self.add_event_handler("stream_error", lambda error: tell(
            {"event": "stream-error", "condition": error["condition"]}))

    def on_message(self, message):
        if message.xml.find("{urn:xmpp:mam:2}result") is not None:
            return  # of a query: whoever asked is given it
        ids = message.xml.findall("{urn:xmpp:sid:0}stanza-id")
        stamp = message["delay"]["stamp"]
        tell({
            "event": "message", "from": str(message["from"]), "sender": message["from"].bare,
            "type": message["type"], "body": message["body"], "id": message["id"],
            "condition": message["error"]["condition"] if message["type"] == "error" else None,
            "stamp": stamp.isoformat() if stamp else None,
            "delayedBy": str(message["delay"]["from"]) if stamp else None,
            "stanzaIds": {each.get("by"): each.get("id") for each in ids},
            "retracts": retracted(message.xml),
        })

    def on_node(self, message):
        items = message["pubsub_event"]["items"]
        for item in items.xml:
            tell({
                "event": "node", "node": items["node"], "sender": message["from"].bare,
                "what": item.tag.partition("}")[2], "item": item.get("id"),
            })

    def on_copy(self, message):
        direction = "sent" if message.get_plugin("carbon_sent", check=True) else "received"
        original = message[f"carbon_{direction}"]
        tell({
            "event": "copy", "direction": direction, "type": message["type"],
            "from": str(original["from"]), "to": str(original["to"]), "body": original["body"],
        })

    def on_presence(self, presence):
        # slixmpp makes `show` the type of an available presence.
        kind = presence.xml.get("type", "available")
        tell({
            "event": "presence", "from": str(presence["from"]), "sender": presence["from"].bare,
            "type": kind, "show": presence["show"] or None, "status": presence["status"],
            "priority": presence["priority"], "nick": presence["from"].resource,
            "codes": sorted(int(each.get("code")) for each in presence.xml.iter(f"{USER}status")),
            "photo": presence.xml.findtext("{vcard-temp:x:update}x/{vcard-temp:x:update}photo"),
        })

    def on_push(self, iq):
        for jid, item in iq["roster"]["items"].items():
            tell({"event": "push", **describe(jid, item)})


def retracted(xml):
    """The id of the message that is taken back by this one."""
    retract = xml.find(f"{{{RETRACT}}}retract")
    return None if retract is None else retract.get("id")


def describe(jid, item):
    return {
        "jid": str(jid), "name": item["name"], "subscription": item["subscription"],
        "ask": item["ask"] or None, "groups": sorted(item["groups"]),
    }


class Steering:
    """What can be asked for: each method is a request, its arguments are the request's fields."""

    def __init__(self):
        self.client = None

    async def login(
            self, jid, password, host, port, direct, certificate, mechanism=None, managed=False):
        client = self.client = Client(jid, password, certificate, mechanism)
        if managed:  # XEP-0198; what breaks is no session's end then
            client.register_plugin("xep_0198")
            client.end_session_on_disconnect = False
            self.place = (host, port, direct)
        outcome = asyncio.get_running_loop().create_future()

        def settle(result, *_):
            if not outcome.done():
                outcome.set_result(result)

        client.add_event_handler("session_start", lambda _: settle("started"))
        client.add_event_handler("failed_all_auth", lambda *_: settle("refused"))
        client.add_event_handler("failed_auth", lambda failure: tell(
            {"event": "sasl-failure", "condition": failure["condition"]}))
        client.add_event_handler("disconnected", lambda _: settle("refused"))
        client.add_event_handler("ssl_invalid_chain", lambda error: settle(f"untrusted: {error}"))
        client.add_event_handler("connection_failed", lambda error: settle(f"failed: {error}"))
        if hasattr(client, "enable_direct_tls"):  # slixmpp 1.9 and later
            client.enable_direct_tls, client.enable_starttls = direct, not direct
            client.enable_plaintext = False
            client.connect(host, port)
        else:
            client.default_port = port  # the address alone is forgotten after the look-up
            client.connect((host, port), use_ssl=direct, force_starttls=not direct,
                           disable_starttls=direct)
        result = await outcome
        if result != "started":
            client.cancel_connection_attempt()
            raise RuntimeError(result)
        return {
            "jid": str(client.boundjid), "tls": client.socket.version(),
            "mechanism": client["feature_mechanisms"].mech.name,
            "features": sorted(client.features),
        }

    async def cut(self):
        """Breaks the connection, as a network does."""
        gone = asyncio.get_running_loop().create_future()
        self.client.add_event_handler(
            "disconnected", lambda _: gone.done() or gone.set_result(None))
        self.client.transport.abort()
        await gone

    async def come_back(self):
        """Connects again; tells whether the session was resumed, or begun anew."""
        outcome = asyncio.get_running_loop().create_future()
        for event in ("session_resumed", "session_start"):
            self.client.add_event_handler(
                event, lambda _, name=event: outcome.done() or outcome.set_result(name))
        host, port, direct = self.place
        if hasattr(self.client, "enable_direct_tls"):
            self.client.connect(host, port)
        else:
            self.client.connect((host, port), use_ssl=direct, force_starttls=not direct,
                                disable_starttls=direct)
        return await outcome

    async def whoami(self):
        return str(self.client.boundjid)

    async def roster(self, known=False):
        if not known:
            self.client.client_roster.version = ""  # the whole of it, not what is new
        iq = await self.client.get_roster()
        return [describe(jid, item) for jid, item in iq["roster"]["items"].items()]

    async def presence(self, to=None, type=None, show=None, status=None, priority=None):
        self.client.send_presence(pto=to, ptype=type or show, pstatus=status, ppriority=priority)

    async def message(self, to, body, type="chat"):
        self.client.send_message(mto=to, mbody=body, mtype=type)

    async def offline_count(self):
        info = await self.client["xep_0013"].get_count()
        field = info.xml.find(".//{jabber:x:data}field[@var='number_of_messages']")
        return int(field.find("{jabber:x:data}value").text)

    async def offline_headers(self):
        items = (await self.client["xep_0013"].get_headers())["disco_items"]
        # slixmpp has them in a set; the nodes are in the order of the messages.
        return sorted(({"from": name, "node": node} for _, node, name in items["items"]),
                      key=lambda item: item["node"])

    async def offline(self, what, nodes=None):
        answered = asyncio.get_running_loop().create_future()
        ask = getattr(self.client["xep_0013"], what)
        ask(*([] if nodes is None else [nodes]), callback=answered.set_result)
        answer = await answered
        if answer["type"] == "error":
            raise IqError(answer)
        return [message["body"] for message in answer["offline"]["results"] or []]

    async def copies(self, enabled):
        carbons = self.client["xep_0280"]
        await (carbons.enable() if enabled else carbons.disable())

    async def state(self, active):
        csi = self.client["xep_0352"]
        if not csi.enabled:
            raise RuntimeError("the server does not offer it")
        csi.send_active() if active else csi.send_inactive()

    async def contact(self, jid, name, groups):
        await self.client.update_roster(jid, name=name, groups=groups)

    async def forget(self, jid):
        await self.client.del_roster_item(jid)

    async def version(self, to):
        answer = (await self.client["xep_0092"].get_version(to))["software_version"]
        return {"name": answer["name"], "version": answer["version"]}

    async def time(self, to):
        answer = await self.client["xep_0202"].get_entity_time(to)
        # The text as it came: slixmpp 1.8 reads it only where the Z of XEP-0082 is missing.
        return answer.xml.find("{urn:xmpp:time}time/{urn:xmpp:time}utc").text

    async def ping(self, to):
        await self.client["xep_0199"].send_ping(to, timeout=10)

    async def last(self, to):
        answer = await self.client["xep_0012"].get_last_activity(to)
        return answer["last_activity"]["seconds"]

    async def info(self, to):
        info = (await self.client["xep_0030"].get_info(to, cached=False))["disco_info"]
        identities = sorted([category, kind] for category, kind, *_ in info["identities"])
        return {"identities": identities, "features": sorted(info["features"])}

    async def items(self, to):
        items = (await self.client["xep_0030"].get_items(to))["disco_items"]
        return [str(jid) for jid, *_ in items["items"]]

    async def commands(self):
        items = (await self.client["xep_0133"].get_commands())["disco_items"]
        return sorted(node for _, node, _ in items["items"])

    async def administer(self, command, fields):
        """A command of XEP-0133: its form is filled in, and completed."""
        outcome = asyncio.get_running_loop().create_future()

        def proceed(iq, session):
            if iq["command"]["status"] == "completed":
                return outcome.set_result(iq)
            form = iq["command"]["form"]
            form["type"] = "submit"
            form["values"] = fields
            session["payload"] = form
            self.client["xep_0050"].complete_command(session)

        def fail(iq, _):
            outcome.set_exception(IqError(iq))

        getattr(self.client["xep_0133"], command)(session={"next": proceed, "error": fail})
        answer = (await outcome)["command"]
        values = answer["form"]["values"] if answer.get_plugin("form", check=True) else {}
        return {"notes": [text for _, text in answer["notes"]], "values": values}

    async def block(self, jid):
        await self.client["xep_0191"].block(jid)

    async def unblock(self, jid):
        await self.client["xep_0191"].unblock(jid)

    async def blocked(self):
        iq = await self.client["xep_0191"].get_blocked()
        return sorted(str(jid) for jid in iq["blocklist"]["items"])

    async def publish_vcard(self, name):
        card = self.client["xep_0054"].make_vcard()
        card["FN"] = name
        await self.client["xep_0054"].publish_vcard(card)

    async def vcard(self, of):
        return (await self.client["xep_0054"].get_vcard(of))["vcard_temp"]["FN"]

    async def store_bookmark(self, room, nick):
        bookmarks = Bookmarks()
        bookmarks.add_conference(room, nick)
        await self.client["xep_0048"].set_bookmarks(bookmarks, method="xep_0049")

    async def bookmarks(self):
        iq = await self.client["xep_0048"].get_bookmarks(method="xep_0049")
        kept = iq["private"]["bookmarks"]["conferences"]
        return [[str(each["jid"]), each["nick"]] for each in kept]

    async def wants(self, nodes):
        """From its next presence on the client wants to hear of nodes (XEP-0163)."""
        for node in nodes:
            self.client["xep_0030"].add_feature(f"{node}+notify")
        await self.client["xep_0115"].update_caps(broadcast=False)

    async def publish(self, node, item, xml, options=None, to=None):
        form = None
        if options is not None:
            form = self.client["xep_0004"].make_form(ftype="submit")
            form.add_field("FORM_TYPE", ftype="hidden",
                           value="http://jabber.org/protocol/pubsub#publish-options")
            for name, value in options.items():
                form.add_field(f"pubsub#{name}", value=value)
        await self.client["xep_0060"].publish(
            to, node, id=item, payload=ET.fromstring(xml), options=form)

    async def retract(self, node, item):
        await self.client["xep_0060"].retract(None, node, item, notify=True)

    async def node_items(self, node, of=None):
        """The items of a node: their ids, and what they hold."""
        answer = await self.client["xep_0060"].get_items(of, node)
        return {
            item["id"]: ET.tostring(item["payload"], encoding="unicode")
            for item in answer["pubsub"]["items"]["substanzas"]
        }

    async def show_picture(self, hexadecimal):
        picture = bytes.fromhex(hexadecimal)
        digest = hashlib.sha1(picture).hexdigest()
        await self.client["xep_0084"].publish_avatar(picture)
        await self.client["xep_0084"].publish_avatar_metadata(
            items={"id": digest, "type": "image/png", "bytes": len(picture)})
        return digest

    async def picture(self, of, item):
        answer = await self.client["xep_0084"].retrieve_avatar(of, item)
        return answer["pubsub"]["items"]["item"]["avatar_data"]["value"].hex()

    async def vcard_picture(self, of):
        photo = (await self.client["xep_0054"].get_vcard(of))["vcard_temp"]["PHOTO"]
        return photo["BINVAL"].hex()

    async def password(self, password):
        await self.client["xep_0077"].change_password(password, jid=self.client.boundjid.host)

    async def archive(self, with_jid=None, reverse=False, page=50):
        """The whole archive, page by page, as slixmpp pages."""
        found = []
        pages = self.client["xep_0313"].iterate(
            with_jid=with_jid, reverse=reverse, rsm={"max": page})
        async for message in pages:
            result = message["mam_result"]
            inner = result["forwarded"]["stanza"]
            found.append({
                "id": result["id"], "body": inner["body"], "sender": inner["from"].bare,
                "to": inner["to"].bare, "stamp": result["forwarded"]["delay"]["stamp"].isoformat(),
            })
        return found

    async def archive_fields(self):
        form = await self.client["xep_0313"].get_fields()
        return sorted(form.get_fields())

    async def archive_ends(self):
        metadata = (await self.client["xep_0313"].get_archive_metadata())["mam_metadata"]
        return [metadata["start"]["id"], metadata["end"]["id"]]

    async def room_enter(self, room, nick, history=None):
        """Enters; tells who is there, what was said, and the subject."""
        try:
            _, subject, occupants, said = await self.client["xep_0045"].join_muc_wait(
                JID(room), nick, maxstanzas=history, timeout=10)
        except PresenceError as refusal:
            raise RuntimeError(refusal.condition)
        return {
            "occupants": sorted(each["from"].resource for each in occupants),
            "history": [each["body"] for each in said], "subject": subject["subject"],
        }

    async def room_configure(self, room, fields):
        rooms = self.client["xep_0045"]
        form = await rooms.get_room_config(JID(room))
        form["type"] = "submit"
        for name, value in fields.items():
            form.field[name].set_value(value)
        await rooms.set_room_config(JID(room), form)

    async def room_role(self, room, nick, role, reason=""):
        await self.client["xep_0045"].set_role(JID(room), nick, role, reason=reason)

    async def room_affiliation(self, room, jid, affiliation, reason=""):
        await self.client["xep_0045"].set_affiliation(
            JID(room), affiliation, jid=JID(jid), reason=reason)

    async def room_moderate(self, room, message, reason):
        iq = self.client.make_iq_set(ito=room)
        request = ET.SubElement(iq.xml, f"{{{MODERATE}}}moderate", {"id": message})
        ET.SubElement(request, f"{{{RETRACT}}}retract")
        ET.SubElement(request, f"{{{MODERATE}}}reason").text = reason
        await iq.send()

    def _upload(self):
        # aiohttp, by which slixmpp uploads, trusts whom OpenSSL trusts by default.
        os.environ["SSL_CERT_FILE"] = str(self.client.ca_certs)
        self.client.register_plugin("xep_0363")
        return self.client["xep_0363"]

    async def upload(self, service, name, text, times):
        """Gets a slot and puts the file; answers where it is."""
        plugin = self._upload()
        plugin.upload_service = service  # slixmpp 1.8 cannot look for it in Python 3.11
        return await plugin.upload_file(name, input_file=io.BytesIO((text * times).encode()))

    async def slot(self, to, name, size):
        iq = await self._upload().request_slot(to, name, size, "text/plain")
        slot = iq["http_upload_slot"]
        return {"put": slot["put"]["url"], "get": slot["get"]["url"]}

    async def logout(self):
        ended = asyncio.get_running_loop().create_future()
        self.client.add_event_handler("disconnected", lambda _: ended.done() or ended.set_result(0))
        self.client.disconnect()
        await ended


if __name__ == "__main__":
    run(Steering())
