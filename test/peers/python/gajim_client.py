"""Gajim, steered by lines of JSON; see test/support/client-program.ts.

It is the program itself, with its windows: what is asked for is done as its buttons would do it. It
has one account, named by its JID. A request that takes its time is a generator, which goes on as soon
as what it yields is true.
"""

import json
import sys
from inspect import isgenerator
from pathlib import Path

import gi

for library, version in (("Gtk", "3.0"), ("Gdk", "3.0"), ("GtkSource", "4")):
    gi.require_version(library, version)

from steering import answer, refuse, tell  # before Gajim, which prints what it does

from gajim.common import app, ged
from gajim.common.helpers import AdditionalDataDict
from gajim.common.setting_values import APP_SETTINGS
from gajim.gtk.application import GajimApplication
from gajim.gtk.avatar_selector import AvatarSelector
from gajim.gtk.main import MainWindow
from gajim.gtk.preview import PreviewWidget
from gajim.gtk.util import get_app_window, open_window
from gi.repository import Gdk, GdkPixbuf, Gio, GLib
from nbxmpp.const import ConnectionProtocol, ConnectionType
from nbxmpp.protocol import JID

# Nobody but the server is asked for anything, and there is no desktop around the window.
SETTINGS = {
    "use_keyring": False, "check_for_update": False, "plugins_update_check": False,
    "show_trayicon": False, "sounds_on": False, "show_notifications": False,
}

GLANCE_MS = 20  # how often it is looked whether a step is reached

# What is told, and what of it.
EVENTS = {
    "signed-in": lambda event: {},
    "account-disconnected": lambda event: {},
    "subscribe-presence-received": lambda event: {"from": event.jid},
    "muc-invitation": lambda event: {"room": str(event.muc)},
}


def client():
    return app.get_clients()[0]


def module(name):
    return client().get_module(name)


def contact(jid):
    return module("Contacts").get_contact(jid)


def press(button):
    if not button.is_sensitive():
        raise RuntimeError(f"“{button.get_label()}” cannot be pressed")
    button.clicked()


class Steering:
    """What can be asked for: each method is a request, its arguments are the request's fields."""

    def login(self, jid, password, host, port, direct, certificate):
        Gio.TlsBackend.get_default().set_default_database(Gio.TlsFileDatabase.new(certificate))
        name, domain = jid.split("@")
        way = ConnectionType.DIRECT_TLS if direct else ConnectionType.START_TLS
        place = (f"{host}:{port}", ConnectionProtocol.TCP, way)
        app.app.create_account(jid, name, domain, password, None, place)
        app.app.enable_account(jid)

    def session(self):
        stream = client().connection
        return {
            "jid": str(stream.get_bound_jid()), "tls": stream.tls_version.value_nick,
            "mechanism": stream._sasl._mechanism.name, "canResume": stream.resumeable,
            "isResumed": stream._smacks.resumed,
        }

    def status(self, show):
        client().change_status(show, "")

    def cut(self):
        """Breaks the connection, as a network does; Gajim comes back by itself."""
        client().disconnect(gracefully=False, reconnect=True)

    def roster(self):
        """Who is in it; and whether he is there."""
        return {
            str(jid): {"subscription": item.subscription, "isThere": contact(jid).is_available}
            for jid, item in module("Roster").iter()}

    def subscribe(self, to):
        module("Presence").subscribe(to)

    def accept(self, to):
        module("Presence").subscribed(to)

    def say(self, to, text):
        self._open(to)
        room = contact(to)
        yield lambda: not room.is_groupchat or room.is_joined
        field = app.window.get_chat_stack().get_message_input()
        field.insert_text(text)
        yield lambda: app.window.get_action_enabled("send-message")
        app.window.activate_action("send-message", None)
        if field.has_text:
            raise RuntimeError("it was not sent")

    def encrypt(self, to, method):
        """Chooses how a conversation is encrypted, once there are keys for it."""
        self._open(to)
        omemo = module("OMEMO")
        yield lambda: not method or self._has_keys(omemo, to)
        app.window.get_action("set-encryption").change_state(GLib.Variant("s", method))

    @staticmethod
    def _has_keys(omemo, to):
        others = omemo.backend.get_muc_members(to) if omemo.is_omemo_groupchat(to) else [to]
        return bool(others) and not any(omemo.are_keys_missing(jid) for jid in others)

    def send_file(self, to, path):
        self._open(to)
        files = GLib.Variant("as", [Path(path).as_uri()])
        app.window.activate_action("send-file-httpupload", files)
        press(app.window.get_chat_stack()._chat_function_page._confirm_button)

    def shown(self, to):
        """The messages of a conversation, as its rows show them."""
        self._open(to)
        rows = app.window.get_control()._scrolled_view.iter_rows()
        return [self._describe(row) for row in rows if row.type == "chat"]

    @staticmethod
    def _open(jid):
        account, address = client().account, JID.from_string(jid)
        if app.window.get_control().is_loaded(account, address):
            return
        if contact(jid).is_groupchat:
            app.window.add_group_chat(account, address, select=True)
        else:
            app.window.add_chat(account, address, "contact", select=True)

    @staticmethod
    def _describe(row):
        widget = row._message_widget
        is_file = isinstance(widget, PreviewWidget)
        image = widget._ui.image_button.get_image() if is_file else None
        encryption = row._get_encryption_details(row.additional_data or AdditionalDataDict())
        return {
            "by": row.name, "text": row.get_text(), "encryption": encryption and encryption[0],
            "isReceived": row.has_receipt, "isRefused": row._message_icons._error_image.get_visible(),
            "file": widget._ui.file_name.get_text() if is_file else None,
            "isDrawn": image is not None and image.get_pixbuf() is not None,
        }

    def blocked(self):
        return sorted(str(jid) for jid in module("Blocking").blocked)

    def block(self, jid):
        module("Blocking").block([JID.from_string(jid)])

    def unblock(self, jid):
        module("Blocking").unblock([JID.from_string(jid)])

    def create_room(self, room, name):
        window = open_window("CreateGroupchatWindow", account=client().account)
        window._ui.name_entry.set_text(name)
        window._ui.advanced_switch.set_active(True)
        window._ui.address_entry.set_text(room)
        press(window._ui.create_button)

    def invite(self, room, jid):
        module("MUC").invite(JID.from_string(room), JID.from_string(jid))

    def join(self, room):
        app.window.show_add_join_groupchat(client().account, room)

    def occupants(self, room):
        return sorted(module("MUC").get_joined_users(room))

    def bookmarks(self):
        return {
            str(bookmark.jid): {"nick": bookmark.nick, "autojoin": bookmark.autojoin}
            for bookmark in module("Bookmarks").bookmarks}

    def paint(self, path, colour):
        """Makes a picture."""
        canvas = GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, False, 8, 150, 150)
        canvas.fill(colour)
        canvas.savev(path, "png", [], [])

    def profile(self, nick, picture):
        """Fills in the profile, and saves it for everybody to see."""
        window = open_window("ProfileWindow", account=client().account)
        yield lambda: window._current_vcard is not None
        press(window._ui.edit_button)
        window._ui.nickname_entry.set_text(nick)
        window._ui.avatar_nick_access.set_active(True)
        window._ui.vcard_access.set_active(True)
        window._avatar_selector = AvatarSelector()  # what choosing a file does
        window._ui.avatar_selector_box.add(window._avatar_selector)
        window._avatar_selector.prepare_crop_area(picture)
        press(window._ui.avatar_update_button)
        press(window._ui.save_button)
        yield lambda: window._ui.edit_button.get_visible() and not window._ui.spinner.props.active
        window.destroy()

    def picture(self, of):
        digest = contact(of).avatar_sha
        return digest if digest and app.app.avatar_storage.avatar_exists(digest) else None

    def commands(self, jid):
        """Opens the window of commands; tells their names by their nodes."""
        before = get_app_window("AdHocCommands")
        if before is not None:
            before.destroy()
        window = open_window("AdHocCommands", account=client().account, jid=jid)
        yield lambda: window.get_current_page() != "request"
        commands = window.get_page("commands")._commands.values()
        return {command.node: command.name for command in commands}

    def command(self, node):
        """Runs one of them; tells what it asks for, or says."""
        window = get_app_window("AdHocCommands")
        page = window.get_page("commands")
        for row in page._store:
            if page._commands[row[1]].node == node:
                page._treeview.get_selection().select_iter(row.iter)
        press(window._buttons["execute"][0])
        return self._stage(window)

    def complete(self, values):
        """Fills in its form, and completes it."""
        window = get_app_window("AdHocCommands")
        form = window.get_page("stage")._dataform_widget
        for name, value in values.items():
            form.get_form()[name].value = value
        form.validate()
        press(window._buttons["complete"][0])
        return self._stage(window)

    @staticmethod
    def _stage(window):
        yield lambda: window.get_current_page() != "executing"
        name = window.get_current_page()
        page = window.get_page(name)
        if name == "error":
            return {"page": name}
        form = page._dataform_widget
        fields = [] if form is None else form.get_form().iter_fields()
        return {
            "page": name, "fields": {each.var: each.value for each in fields if each.var},
            "notes": [note.get_text() for note in page._notes],
        }

    def photograph(self, path):
        """The whole screen."""
        screen = Gdk.get_default_root_window()
        size = (screen.get_width(), screen.get_height())
        Gdk.pixbuf_get_from_window(screen, 0, 0, *size).savev(path, "png", [], [])

    def carry_out(self, do, **fields):
        value = getattr(self, do)(**fields)
        return (yield from value) if isgenerator(value) else value


def advance(number, steps, is_reached=lambda: True):
    """Goes on with a request as far as it comes, and again later until it is done."""
    try:
        while is_reached():
            is_reached = next(steps)
        GLib.timeout_add(GLANCE_MS, advance, number, steps, is_reached)
    except StopIteration as end:
        answer(number, end.value)
    except Exception as problem:
        refuse(number, problem)
    return GLib.SOURCE_REMOVE


def listen(lines, steering):
    """Takes requests until there are no more."""
    def take(_, result):
        line, _ = lines.read_line_finish_utf8(result)
        if line is None:
            return app.app.quit()
        request = json.loads(line)
        advance(request.pop("id"), steering.carry_out(**request))
        listen(lines, steering)

    lines.read_line_async(GLib.PRIORITY_DEFAULT, None, take)


def watch(name, describe):
    app.ged.register_event_handler(name, ged.GUI2, lambda event: tell(
        {"event": name, **describe(event)}))


if __name__ == "__main__":
    APP_SETTINGS.update(SETTINGS)
    MainWindow._check_for_account = lambda _: None  # there are none yet, and nobody to be welcomed
    for name, describe in EVENTS.items():
        watch(name, describe)
    # Requests come in once the loop runs, when the windows are there.
    listen(Gio.DataInputStream.new(Gio.UnixInputStream.new(sys.stdin.fileno(), False)), Steering())
    GajimApplication().run([])
