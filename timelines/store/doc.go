// Package store keeps timelines in the logger's database, within bounds, and answers who asks for them.
package store
