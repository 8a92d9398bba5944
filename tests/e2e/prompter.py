#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""What asks for gnome-keyring on the screen, but for ever, as if nobody sat there. Writes a line for
each call."""

from gi.repository import Gio, GLib

INTERFACE = """<node><interface name="org.gnome.keyring.internal.Prompter">
<method name="BeginPrompting"><arg type="o" direction="in"/></method>
<method name="PerformPrompt"><arg type="o" direction="in"/><arg type="s" direction="in"/>
<arg type="a{sv}" direction="in"/><arg type="s" direction="in"/></method>
<method name="StopPrompting"><arg type="o" direction="in"/></method>
</interface></node>"""


def on_call(connection, sender, path, interface, method, parameters, invocation):
    print(method, flush=True)
    invocation.return_value(None)


bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
interface = Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces[0]
bus.register_object("/org/gnome/keyring/Prompter", interface, on_call, None, None)
Gio.bus_own_name_on_connection(
    bus, "org.gnome.keyring.SystemPrompter", Gio.BusNameOwnerFlags.NONE, None, None
)
GLib.MainLoop().run()
