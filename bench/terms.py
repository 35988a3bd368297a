"""The terms on which servers are compared: one answer, one suite, the same settings, the bars."""
SUITE = 'TLS_AES_128_GCM_SHA256'
TEXT = 'Hello, world!'
BARS = {'https': 0.70, 'http': 0.80, 'handshake': 0.75}  # of nginx's instructions, at most

NGINX = """
daemon off; master_process off; worker_processes 1; user root;
error_log {folder}/nginx.log; pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  default_type text/plain;
  server {{
    listen 127.0.0.1:{port} {tls};
    ssl_certificate {cert}; ssl_certificate_key {key};
    ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites {suite};
    location / {{ return 200 "{text}"; }}
  }}
}}
"""
WRK_TLS = """
openssl_conf = main
[main]
ssl_conf = ssl
[ssl]
system_default = policy
[policy]
MinProtocol = TLSv1.3
Ciphersuites = {suite}
"""


def verdict(kind, ratio):
    said = 'holds' if ratio <= BARS[kind] else 'is missed'
    return f'the bar of {BARS[kind]:.2f}x nginx {said}'
