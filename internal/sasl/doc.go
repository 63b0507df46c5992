// Package sasl is the server's side of SASL exchanges, apart from the frames that
// carry them: a Mechanism begins an Exchange for each client that wants to prove
// who it is, and the exchange turns the client's tokens into answers until it
// knows (client-protocol.md 7.7). What the name may do is decided elsewhere.
//
//	client                           Exchange
//	   │ empty token                     │
//	   ├────────────────────────────────►│
//	   │          realm, nonce, charset  │
//	   │◄────────────────────────────────┤
//	   │ username, cnonce, response      │
//	   ├────────────────────────────────►│ who knows the password
//	   │                        rspauth  │ gives this response
//	   │◄────────────────────────────────┤ Done, User
//
// DIGEST-MD5 is the one mechanism so far. There is no negotiation on the wire: a
// server has one mechanism, by its login section.
package sasl
