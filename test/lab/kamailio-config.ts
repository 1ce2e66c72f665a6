/** Writes the configuration of the lab's Kamailio: what it does with each request, and nothing about starting it. */

export interface KamailioConfig {
  readonly port: number
  readonly domain: string
  /** Seconds. */
  readonly frTimer: number
  readonly algorithm: 'MD5' | 'SHA-256'
  readonly password: string | undefined
  readonly routes: ReadonlyMap<string, string>
  readonly everyone: readonly [string, string] | undefined
  readonly ipv6: boolean
  /** The path of its settings is relative to the working folder. */
  readonly tls: { readonly port: number; readonly settings: string } | undefined
  readonly apart: boolean
  readonly media: { readonly port: number; readonly flags: string } | undefined
}

const MODULES = [
  ...['pv', 'tm', 'tmx', 'sl', 'rr', 'maxfwd', 'textops', 'siputils', 'xlog', 'corex'],
  ...['usrloc', 'registrar', 'auth', 'nathelper', 'htable', 'xhttp', 'websocket', 'jsonrpcs'],
]

export function kamailioConfig(config: KamailioConfig): string {
  const { port, domain, frTimer, algorithm, password, routes, everyone, ipv6, tls, media, apart } = config
  return `#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=2
tcp_children=2
auto_aliases=no
dns=no
rev_dns=no
enable_tls=${tls ? 'yes' : 'no'}
tcp_accept_no_cl=yes
tcp_connection_lifetime=3600
listen=udp:127.0.0.1:${port}
listen=tcp:127.0.0.1:${port}
${ipv6 ? `listen=udp:[::1]:${port}\nlisten=tcp:[::1]:${port}` : ''}
${tls ? `listen=tls:127.0.0.1:${tls.port}` : ''}
alias="${domain}"
server_header="Server: lab"

${[...MODULES, ...(tls ? ['tls'] : []), ...(media ? ['rtpengine'] : [])].map((name) => `loadmodule "${name}.so"`).join('\n')}

modparam("tm", "fr_timer", ${Math.round(frTimer * 1000)})
modparam("usrloc", "db_mode", 0)
modparam("usrloc", "timer_interval", 1)
modparam("registrar", "max_contacts", 20)
modparam("registrar", "received_avp", "$avp(received)")
modparam("nathelper", "received_avp", "$avp(received)")
modparam("auth", "nonce_expire", 300)
modparam("auth", "algorithm", "${algorithm}")
modparam("htable", "htable", "routes=>size=6;")
modparam("jsonrpcs", "transport", 1)
${tls ? `modparam("tls", "config", "${tls.settings}")` : ''}
${media ? `modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:${media.port}")` : ''}

event_route[htable:mod-init] {
${[...routes].map(([user, target]) => `    $sht(routes=>${user}) = "${target}";`).join('\n') || '    return;'}
}

# WebSockets begin as HTTP, and the lab's own questions (who is registered) come by it to the TCP port.
event_route[xhttp:request] {
    if ($hdr(Upgrade) =~ "websocket" && $rm =~ "GET") { ws_handle_handshake(); exit; }
    jsonrpc_dispatch();
}

request_route {
    if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
    if (is_method("OPTIONS") && !has_totag() && $rU == $null) { sl_send_reply("200", "OK"); exit; }
    force_rport();
    if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
    if (has_totag()) { route(WITHIN_DIALOG); exit; }
    if (t_precheck_trans()) { t_check_trans(); exit; }
    t_check_trans();

    if (is_method("REGISTER")) { route(REGISTER); exit; }
    if (is_method("INVITE")) { route(AUTHENTICATE_CALLER); }
    route(RELAY);
}

route[REGISTER] {
    route(PASSWORD);
    if (!pv_www_authenticate("${domain}", "$var(password)", "0")) { www_challenge("${domain}", "1"); exit; }
    fix_nated_register();
    if (!save("location")) { sl_reply_error(); }
}

route[AUTHENTICATE_CALLER] {
    route(PASSWORD);
    if (!pv_proxy_authenticate("${domain}", "$var(password)", "0")) { proxy_challenge("${domain}", "1"); exit; }
    consume_credentials();
}

route[PASSWORD] {
    $var(password) = ${password === undefined ? '"pw-" + $au' : JSON.stringify(password)};
}

route[RELAY] {
    if (is_method("INVITE|SUBSCRIBE")) {
        if ($proto != "udp") { add_contact_alias(); }
        record_route();
    }
    # The branches look the same twice because $var(...) cannot hold $null.
    if ($rU == "everyone") {
        ${forkTo(everyone)}
    } else if ($sht(routes=>$rU) != $null) {
        $ru = "sip:" + $rU + "@" + $sht(routes=>$rU);
    } else if ($rU =~ "^svc" && $sht(routes=>svc) != $null) {
        $ru = "sip:" + $rU + "@" + $sht(routes=>svc);
    } else if (!lookup("location")) {
        sl_send_reply("404", "Not Found"); exit;
    }
    t_on_reply("FROM_TARGET");
    ${apart ? OFFER_APART : ''}
    ${media ? `if (is_method("INVITE") && has_body("application/sdp")) { rtpengine_offer("${media.flags}"); }` : ''}
    # t_relay answers 100 by itself, and 408 when fr_timer is over without a response.
    if (!t_relay()) { sl_reply_error(); }
}

route[WITHIN_DIALOG] {
    ${media ? 'if (is_method("BYE")) { rtpengine_delete(); }' : ''}
    if (loose_route()) {
        if ($du == $null) { handle_ruri_alias(); }
        t_relay();
    } else if (is_method("ACK") && t_check_trans()) {
        t_relay();
    } else if (uri != myself) {
        # SIPp's own scenarios leave out Record-Route, so their dialogs have no Route either.
        t_relay();
    } else if (!is_method("ACK")) {
        sl_send_reply("404", "Not here");
    }
}

# Clients over TCP are reached on the connection they made, not at the address in their Contact.
onreply_route[FROM_TARGET] {
    if ($proto != "udp") { add_contact_alias(); }
    ${media ? 'if (has_body("application/sdp")) { rtpengine_answer(); }' : ''}
    ${apart ? 'replace_body_all(" [^ ]+ [0-9]+ typ host", " 127.0.0.1 9 typ host");' : ''}
}
`
}

/** The relay takes the place of the host, as the address of the stream too (RFC 8839 4.2.4); without one there is no candidate. */
const OFFER_APART = String.raw`
    if (!subst_body("/(m=audio )[0-9]+( .*)a=candidate:[^\r\n]+ typ host\r\n(.* )([0-9]+)( typ relay)/\\1\\4\\2\\3\\4\\5/s")) {
        replace_body_all("a=candidate:[^\r\n]+ typ host\r\n", "");
    }`

/** Both branches at once: one is where the request goes anyway. */
function forkTo(targets: readonly [string, string] | undefined): string {
  if (targets === undefined) return 'sl_send_reply("404", "Not Found"); exit;'
  const [first, second] = targets
  return `$ru = "sip:everyone@${first}"; append_branch("sip:everyone@${second}");`
}
