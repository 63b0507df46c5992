// Package jaas reads login configuration files of Java, which say how a server
// and its clients prove who they are (operations.md 7.5):
//
//	Server {
//	    org.apache.zookeeper.server.auth.DigestLoginModule required
//	    user_super="adminsecret"
//	    user_bob="bobsecret";
//	};
//
// A file has sections, a section has modules, a module has options. Comments are
// those of Java. Errors name file and line.
package jaas
