module.exports = async () => {
  console.log('leaving');
  process.exit(7);
};
