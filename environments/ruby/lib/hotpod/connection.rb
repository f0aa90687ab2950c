# frozen_string_literal: true

require 'io/wait'
require 'socket'
require_relative 'request_body'

module Hotpod
  # A client's connection, used by one thread.
  class Connection
    MAX_HEAD = 128 * 1024
    MAX_LINE = 8192
    PIECE = 64 * 1024
    # Reading an unread body away is cheaper for everybody than a connection that breaks.
    MAX_DISCARD = 1 << 30
    # How long a client that does not go on sending is waited for before its connection is closed.
    LINGER_SECONDS = 2

    # The body of the last request.
    attr_reader :body

    def initialize(socket)
      @socket = socket
      @socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
      @buffer = String.new(encoding: Encoding::BINARY)
    end

    # The next request's head, or nil when the client has gone. What the last request left unread is read away before.
    def next_head
      return nil unless @body.nil? || @body.discard(MAX_DISCARD)

      @body = nil
      @buffer.delete_prefix!("\r\n") while @buffer.start_with?("\r\n")
      until (stop = @buffer.index("\r\n\r\n"))
        raise HTTPError.new(431, "request head larger than #{MAX_HEAD} bytes") if @buffer.bytesize > MAX_HEAD
        return nil unless fill
      end
      head = Head.new(@buffer.slice!(0, stop))
      @buffer.slice!(0, 4)
      @body = RequestBody.new(self, head)
      head
    end

    # Between 1 and most bytes of a body.
    def some(most)
      fill || raise(ConnectionOver) if @buffer.empty?
      @buffer.slice!(0, most)
    end

    # A line of a chunked body.
    def line
      until (stop = @buffer.index("\r\n"))
        raise HTTPError.new(400, 'line too long') if @buffer.bytesize > MAX_LINE

        fill || raise(ConnectionOver)
      end
      text = @buffer.slice!(0, stop)
      @buffer.slice!(0, 2)
      text
    end

    # Has the client send the body that it announced.
    def continue = send_all("HTTP/1.1 100 Continue\r\n\r\n")

    # Writes an answer; head is nil for a request that was not understood. Whether the connection can go on.
    def answer(head, answer, keep_alive)
      return stream(head, answer, keep_alive) unless answer.body.is_a?(String)

      keep_alive &&= !@body&.waits? # Nobody knows whether the body still comes.
      bytes = answer.body.b
      raw = answer.head(keep_alive, answer.status == 204 ? nil : "Content-Length: #{bytes.bytesize}")
      answer.body?(head) ? send_all(raw, bytes) : send_all(raw)
      keep_alive
    end

    # Ends a wait for the next request; may be called by another thread.
    def wake
      @socket.shutdown(Socket::SHUT_RD)
    rescue SystemCallError, IOError
      nil # The client was faster.
    end

    # Closes the connection so that the client still reads what was sent.
    def close
      @socket.shutdown(Socket::SHUT_WR)
      @lingers = true
      @body&.discard(MAX_DISCARD) # Closing with something unread would take the answer away from the client.
    rescue SystemCallError, IOError
      nil
    ensure
      @socket.close
    end

    private

    def stream(head, answer, keep_alive)
      with_body = answer.body?(head)
      chunked = with_body && head&.version == 'HTTP/1.1'
      keep_alive &&= chunked || !with_body
      @body&.proceed if with_body # The pieces may need it, and after the head it would be too late.
      send_all(answer.head(keep_alive, chunked ? 'Transfer-Encoding: chunked' : nil))
      return keep_alive unless with_body

      answer.body.each do |piece|
        piece = piece.to_s.b
        next if piece.empty?

        chunked ? send_all("#{piece.bytesize.to_s(16)}\r\n", piece, "\r\n") : send_all(piece)
      end
      send_all("0\r\n\r\n") if chunked
      keep_alive
    ensure
      answer.body.close if answer.body.respond_to?(:close)
    end

    # Reads more into the buffer; false at the end.
    def fill
      return false if @lingers && !@socket.wait_readable(LINGER_SECONDS)

      if @buffer.empty?
        @socket.readpartial(PIECE, @buffer) # Into the memory that is there: a large body would leave much garbage.
      else
        @buffer << @socket.readpartial(PIECE)
      end
      true
    rescue SystemCallError, IOError
      false
    end

    def send_all(*pieces)
      @socket.write(*pieces)
    rescue SystemCallError, IOError
      raise ConnectionOver
    end
  end
end
