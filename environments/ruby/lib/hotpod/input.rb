# frozen_string_literal: true

require_relative 'request_body'

module Hotpod
  # A request's body as functions get it, rack.input: it is read as the function asks for it.
  #
  # In pieces it may have any length. What the function wants as a whole is in memory and has a limit, beyond which
  # reading raises HTTPError 413. The body can be read again while it is in memory: after it was read as a whole, or
  # until more than KEPT bytes were read in pieces.
  class Input
    KEPT = 1 << 20

    def initialize(body, limit)
      @body = body
      @limit = limit
      @data = String.new(encoding: Encoding::BINARY)
      @position = 0 # in @data
      @complete = true # @data begins where the body does
      @gone = false
    end

    # As IO#read: the rest, or length bytes, fewer only at the end, where it is nil.
    def read(length = nil, into = nil)
      if length
        nil while ahead < length && more
        piece = take(length) unless length.positive? && ahead.zero?
      else
        load_all
        piece = take(ahead)
      end
      into&.replace(piece.to_s)
      piece
    end

    # As IO#readpartial: what there is, from 1 to most bytes; raises EOFError at the end.
    def readpartial(most, into = nil)
      raise EOFError, 'end of the body' if eof?

      piece = take(most)
      into ? into.replace(piece) : piece
    end

    # As IO#gets: the next line, or nil at the end. A line is in memory as a whole.
    def gets(separator = "\n", chomp: false)
      return read.then { |rest| rest unless rest.empty? } if separator.nil?

      searched = 0
      until (stop = @data.index(separator, @position + searched))
        searched = [ahead - separator.bytesize + 1, 0].max
        raise too_large if ahead > @limit
        break unless more
      end
      return nil if ahead.zero?

      line = take(stop ? stop + separator.bytesize - @position : ahead)
      chomp ? line.chomp(separator) : line
    end

    # Yields the lines.
    def each
      return enum_for(:each) unless block_given?

      while (line = gets)
        yield line
      end
      self
    end
    alias each_line each

    def eof? = ahead.zero? && !more

    # Back to the beginning; reading raises IOError afterwards when that is no longer in memory.
    def rewind
      @gone = !@complete
      @data.clear if @gone
      @position = 0
    end

    # The whole body, wherever reading is.
    def string
      load_all
      raise_gone unless @complete
      @data
    end

    def size = string.bytesize
    alias length size

    def close; end

    private

    def ahead = @data.bytesize - @position

    def take(most)
      piece = @data.byteslice(@position, most)
      @position += piece.bytesize
      piece
    end

    # Reads on; false at the end.
    def more
      raise_gone if @gone
      piece = @body.some or return false
      forget if !@complete || (@position.positive? && @data.bytesize + piece.bytesize > KEPT)
      @data.empty? ? @data = piece : @data << piece
      true
    end

    def load_all
      raise_gone if @gone
      forget unless @complete
      loop do
        raise too_large if @data.bytesize + @body.left > @limit

        piece = @body.some or return
        @data << piece
      end
    end

    def forget
      @data = ahead.zero? ? String.new(encoding: Encoding::BINARY) : @data.byteslice(@position, ahead)
      @position = 0
      @complete = false
    end

    def too_large
      HTTPError.new(413, "request body larger than #{@limit} bytes (BODY_PARSER_LIMIT)")
    end

    def raise_gone
      raise IOError, "the body was read in pieces; only its first #{KEPT} bytes can be read again"
    end
  end
end
