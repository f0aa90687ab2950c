# frozen_string_literal: true

module Hotpod
  # What the environment says; raises an ArgumentError that names a variable which cannot be used.
  class Settings
    UNITS = { nil => 1, 'b' => 1, 'kb' => 1 << 10, 'mb' => 1 << 20, 'gb' => 1 << 30 }.freeze

    attr_reader :host, :port, :code_path, :body_limit, :show_errors

    def initialize(env)
      @host, @port = address('HOTPOD_RUNTIME_ADDRESS', env['HOTPOD_RUNTIME_ADDRESS'] || '0.0.0.0:8888')
      @body_limit = size('BODY_PARSER_LIMIT', env['BODY_PARSER_LIMIT'] || '64mb')
      @show_errors = env['HOTPOD_SHOW_ERRORS'] != 'false'
      @code_path = "#{env['USERFUNCVOL'] || '/userfunc'}/user"
    end

    private

    def address(name, text)
      match = /\A(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})\z/.match(text)
      raise ArgumentError, "#{name} must be host:port, not #{text.inspect}" unless match && match[3].to_i < 65_536

      host = match[1] || match[2]
      [host.empty? ? '0.0.0.0' : host, match[3].to_i]
    end

    def size(name, text)
      match = /\A(\d+)\s*(b|kb|mb|gb)?\z/i.match(text.strip)
      raise ArgumentError, "#{name} must be a size such as 64mb, not #{text.inspect}" unless match

      match[1].to_i * UNITS.fetch(match[2]&.downcase)
    end
  end
end
