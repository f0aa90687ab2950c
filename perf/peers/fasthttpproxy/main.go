// Command fasthttpproxy is the least that a proxy made of fasthttp does: a server, a client with a pool of connections,
// and the headers of the connection taken off in both directions. Bodies are read whole before they are passed on.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/valyala/fasthttp"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	backend := flag.String("backend", "", "address to forward to")
	flag.Parse()
	if err := run(*listen, *backend); err != nil {
		fmt.Fprintln(os.Stderr, "fasthttpproxy:", err)
		os.Exit(1)
	}
}

func run(listen, backend string) error {
	lis, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	client := &fasthttp.HostClient{Addr: backend, MaxConns: 4096, MaxIdleConnDuration: time.Minute}
	server := &fasthttp.Server{
		NoDefaultServerHeader: true,
		NoDefaultContentType:  true,
		Handler: func(ctx *fasthttp.RequestCtx) {
			ctx.Request.Header.Del(fasthttp.HeaderConnection)
			if err := client.Do(&ctx.Request, &ctx.Response); err != nil {
				ctx.Error(err.Error(), fasthttp.StatusBadGateway)
			}
			ctx.Response.Header.Del(fasthttp.HeaderConnection)
		},
	}
	return server.Serve(lis)
}
