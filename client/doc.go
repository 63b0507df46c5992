// Package client is a client for Ostler and Apache ZooKeeper.
//
//	c, err := client.Connect(ctx, "zk-0:2181,zk-1:2181/app", client.Options{})
//	if err != nil { ... }
//	defer c.Close(ctx)
//	_, err = c.Create(ctx, "/config", []byte("v1"), client.CreateOptions{})
//	data, stat, watch, err := c.GetW(ctx, "/config")
//	event := <-watch.C
//
// A Client is one session. It keeps itself alive, looks for another server
// when its own is lost, and takes identities and watches along. All methods may
// be called from any goroutine; requests take effect in the order in which the
// calls were made.
//
// Three kinds of error come back. A refusal by the server is an *Error and
// matches the codes of this package: errors.Is(err, client.NoNode).
// ConnectionLoss means that the outcome is unknown: a write may or may not have
// happened. An error of the context means the same; it ends the wait, not the
// request.
//
// The session ends for good when it is closed, expires (SessionExpired) or an
// identity is refused (AuthFailed). Then every call fails and every watch is
// closed; a new session needs a new Client.
package client
