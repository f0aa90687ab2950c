// Package fresh keeps a value that is read from somewhere, as files of a mounted Secret are, up to date without a process of
// its own: whoever asks for the value has it read again when the last look is a moment ago.
package fresh
