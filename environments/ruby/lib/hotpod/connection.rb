# frozen_string_literal: true

require 'socket'
require_relative 'http1'

module Hotpod
  # The client went away, or a function failed in the middle of its answer: the connection is over.
  class ConnectionOver < StandardError; end

  # A client's connection, used by one thread.
  class Connection
    MAX_HEAD = 128 * 1024
    MAX_LINE = 8192
    PIECE = 64 * 1024
    # Reading a refused body away is cheaper for everybody than a connection that breaks.
    MAX_DISCARD = 1 << 30

    def initialize(socket)
      @socket = socket
      @socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
      @buffer = String.new(encoding: Encoding::BINARY)
    end

    # The next request's head, or nil when the client has gone.
    def next_head
      @buffer.delete_prefix!("\r\n") while @buffer.start_with?("\r\n")
      until (stop = @buffer.index("\r\n\r\n"))
        raise HTTPError.new(431, "request head larger than #{MAX_HEAD} bytes") if @buffer.bytesize > MAX_HEAD
        return nil unless fill
      end
      head = Head.new(@buffer.slice!(0, stop))
      @buffer.slice!(0, 4)
      @chunked = head.length.nil?
      @unread = head.length || 0
      @waits = head.expects_continue? && head.length != 0
      head
    end

    # The whole body; raises HTTPError 413 when it is longer than limit.
    def read_body(limit)
      raise too_large(limit) if @unread > limit

      send_all("HTTP/1.1 100 Continue\r\n\r\n") if @waits
      @waits = false
      body = String.new(encoding: Encoding::BINARY)
      each_piece(limit) { |piece| body << piece }
      body
    end

    # Reads away what the client still sends of its body; whether the connection can go on.
    def discard
      return false if @waits

      each_piece(MAX_DISCARD) { |piece| piece }
      true
    rescue HTTPError
      false
    end

    # Writes an answer; head is nil for a request that was not understood. Whether the connection can go on.
    def answer(head, answer, keep_alive)
      return stream(head, answer, keep_alive) unless answer.body.is_a?(String)

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
    rescue SystemCallError, IOError
      nil
    ensure
      @socket.close
    end

    private

    def too_large(limit)
      HTTPError.new(413, "request body larger than #{limit} bytes (BODY_PARSER_LIMIT)")
    end

    def stream(head, answer, keep_alive)
      with_body = answer.body?(head)
      chunked = with_body && head&.version == 'HTTP/1.1'
      keep_alive &&= chunked || !with_body
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

    def each_piece(limit)
      loop do
        return if @chunked && !next_chunk
        raise too_large(limit) if @unread > limit

        limit -= @unread
        while @unread.positive?
          fill || raise(ConnectionOver) if @buffer.empty?
          piece = @buffer.slice!(0, @unread)
          @unread -= piece.bytesize
          yield piece
        end
        return unless @chunked
        raise HTTPError.new(400, 'malformed chunk') unless line.empty?
      end
    end

    def next_chunk
      return true if @unread.positive? # A refused chunk, now to be discarded.

      size = line.split(';', 2).first.to_s.strip
      raise HTTPError.new(400, 'malformed chunk') unless size.match?(/\A\h{1,15}\z/)

      @unread = size.to_i(16)
      return true if @unread.positive?

      nil until line.empty? # Trailers mean nothing to a function.
      false
    end

    def line
      until (stop = @buffer.index("\r\n"))
        raise HTTPError.new(400, 'line too long') if @buffer.bytesize > MAX_LINE

        fill || raise(ConnectionOver)
      end
      text = @buffer.slice!(0, stop)
      @buffer.slice!(0, 2)
      text
    end

    # Reads more into the buffer; false at the end.
    def fill
      @buffer << @socket.readpartial(PIECE)
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
