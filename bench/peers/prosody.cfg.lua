-- Debian's Prosody beside rtcd: what both have, hashed passwords, and nothing that slows clients down
-- on purpose (no mod_limits). Filled in by bench/servers/prosody.ts.
run_as_root = $asRoot$
pidfile = "$folder$/prosody.pid"
data_path = "$folder$/data"
certificates = "$folder$"
log = { info = "$folder$/prosody.log" }
interfaces = { "$host$" }
c2s_ports = { $port$ }
c2s_direct_tls_ports = { $directTlsPort$ }
c2s_require_encryption = false
authentication = "internal_hashed"
modules_enabled = {
  "roster"; "saslauth"; "tls"; "disco"; "ping"; "version"; "time"; "private"; "vcard"; "lastactivity";
  "carbons"; "blocklist"; "smacks"; "pep"; "csi_simple"; "offline"; "posix"; $modules$
}
modules_disabled = { $disabled$ }
-- The default would refuse to archive more than 10,000 messages of an account.
storage_archive_item_limit = 100000000
max_archive_query_results = 250
$more$

ssl = { key = "$keyFile$"; certificate = "$certificateFile$"; }

VirtualHost "$domain$"

Component "conference.$domain$" "muc"
  restrict_room_creation = false
