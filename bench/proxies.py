"""Proxies that are compared: HTTPS in, HTTP out to one server, connections kept on both sides, and
the same said of the client."""
from peers import HAPROXY, NGINX

UPSTREAM_PORT = 9001

# Of the peers' own configurations, what answers is another server.
NGINX_PROXY = NGINX.replace('  server {{', """  upstream behind {{
    server 127.0.0.1:%d; keepalive 64; keepalive_requests 1000000000;
  }}
  server {{""" % UPSTREAM_PORT, 1).replace('return 200 "{text}";', """
      proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header Forwarded 'for=$remote_addr;host="$http_host";proto=$scheme';
    """)
# Of HAProxy's, the line that answers gives way to another server.
ANSWERING = '  http-request return status 200 content-type text/plain string "{text}"\n'
HAPROXY_PROXY = HAPROXY.replace('  timeout connect 5s\n', """  timeout connect 5s
  http-reuse always
backend behind
  server one 127.0.0.1:%d
""" % UPSTREAM_PORT).replace(ANSWERING, """  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header Forwarded for=%[src];host=\\"%[req.hdr(host)]\\";proto=https
  default_backend behind
""")


def commands(ringfort_identity):
    """Each proxy's, in the emulated machine."""
    return {'nginx': 'nginx -c /w/nginx-proxy.conf',
            'haproxy': 'haproxy -db -f /w/haproxy-proxy.cfg',
            'ringfort': 'ringfort proxy --shards 1 --listen 127.0.0.1:9000 '
                        f'--upstream http://127.0.0.1:{UPSTREAM_PORT} {ringfort_identity}'}
