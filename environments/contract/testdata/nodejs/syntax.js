module.exports = async () => {
  const = 5;
};
