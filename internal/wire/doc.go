// Package wire is the client protocol in bytes: frames, and a struct for each
// record that clients and servers send each other (client-protocol.md). It
// knows nothing of what the requests mean.
//
//	frame    = int32 length, payload
//	client   : frame(ConnectRequest)  then frame(RequestHeader, request record) ...
//	server   : frame(ConnectResponse) then frame(ReplyHeader, reply record) ...
//
// Every record has an Append method, which writes it behind dst, and a Decode
// method, which takes it from the front of b and ignores what follows, as the
// protocol wants (1.1). What Decode finds is not copied: byte slices in a
// record alias b. After an error a record's content is unspecified.
//
// Strings of requests pass through jute.Text, so that they come out as
// ZooKeeper would store or echo them (1.2); strings of replies are kept as
// they are. A null string reads as "". Where a null differs, in the path of a
// request, NullPath tells.
package wire
