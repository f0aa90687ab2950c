// Package binary is the runtime for executables and scripts: each request starts the program, much as CGI does. The request is
// in environment variables and on standard input, and what the program prints is the answer's body, as it is printed.
//
// The program may say status and headers by lines such as "Status: 404" on file descriptor 3, before it prints. An exit code
// other than 0 is an error: a 500 with what the program wrote on standard error, or, when a part of the answer is sent already,
// a cut connection. A client that goes away ends the program.
package binary
